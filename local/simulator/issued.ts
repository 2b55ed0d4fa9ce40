import * as z from 'zod';

export const issuedSchema = z.strictObject({
  value: z.string(),
  issuedAt: z.number(),
  /** End of the lifetime that was promised. */
  expiresAt: z.number(),
  /**
   * End of the life that it really has: earlier than `expiresAt` once a newer value took its place, or once it
   * was invalidated.
   */
  diesAt: z.number(),
});
/** A token or ticket that was handed out. Instants are epoch milliseconds. */
export type Issued = z.infer<typeof issuedSchema>;

export type Terms = {
  readonly lifetimeMs: number;
  /** How long the immediately previous value goes on working. */
  readonly overlapMs: number;
};

const REMEMBERED_MS = 24 * 3_600_000;

/**
 * Hands out `value` as the newest of `line` (oldest first). "Old and new both work for 5 minutes. Only the
 * immediately previous one is covered" (WECHAT.md, "classic"): the value before that dies at once, and none
 * lives longer than it would have.
 */
export function issue(line: Issued[], value: string, now: number, terms: Terms): Issued {
  const previous = line.at(-1);
  const beforePrevious = line.at(-2);
  if (previous) previous.diesAt = Math.min(previous.diesAt, now + terms.overlapMs);
  if (beforePrevious) beforePrevious.diesAt = Math.min(beforePrevious.diesAt, now);

  // Dead values are remembered for a day, to tell 'expired' and 'not latest' from 'never was a token'.
  const firstRemembered = line.findIndex((issued) => issued.expiresAt + REMEMBERED_MS > now);
  line.splice(0, firstRemembered === -1 ? line.length : firstRemembered);

  const expiresAt = now + terms.lifetimeMs;
  const issued = { value, issuedAt: now, expiresAt, diesAt: expiresAt };
  line.push(issued);
  return issued;
}

export function isAlive(issued: Issued, now: number): boolean {
  return now < issued.diesAt;
}

/** The newest value while it lives. */
export function currentOf(line: readonly Issued[], now: number): Issued | undefined {
  const newest = line.at(-1);
  return newest && isAlive(newest, now) ? newest : undefined;
}

/** Whole seconds; WeChat never promises a fraction that is not there. */
export function secondsLeft(issued: Issued, now: number): number {
  return Math.floor((issued.expiresAt - now) / 1000);
}
