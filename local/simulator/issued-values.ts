import { createHash } from 'node:crypto';
import * as z from 'zod';

export const issuedValueSchema = z.strictObject({
  value: z.string(),
  issuedAt: z.number(),
  /** End of the lifetime that `expires_in` promised. */
  expiresAt: z.number(),
  /** When it stops being valid: before `expiresAt` once a newer value replaced it, or once it was invalidated. */
  validUntil: z.number(),
});
/** A token or ticket that was issued. Instants are epoch milliseconds. */
export type IssuedValue = z.infer<typeof issuedValueSchema>;

export type IssuePolicy = {
  readonly lifetimeMs: number;
  /** How long the immediately previous value stays valid. */
  readonly overlapMs: number;
  /** Shorter values are lengthened to so many characters. @default about WeChat's own length */
  readonly minLength?: number | undefined;
};

/** An account or a corp: it counts the values that it issued, so that no two are alike. */
export type Issuer = { serial: number };

const REMEMBERED_MS = 24 * 3_600_000;

/**
 * A value that was never issued before, about as long as WeChat's own. Its prefix lets a test search logs and
 * templates for leaks: `sim(classic|stable|wecom|ticket)_`. The instant is part of it, so that a simulator
 * without a state file does not repeat its values after a restart.
 *
 * @param id AppID or CorpID of the issuer
 */
export function mintValue(
  issuer: Issuer,
  id: string,
  kind: 'classic' | 'stable' | 'wecom' | 'ticket',
  now: number,
): string {
  issuer.serial += 1;
  const noise = createHash('shake256', { outputLength: 96 })
    .update(`${id} ${kind} ${issuer.serial} ${now}`)
    .digest('base64url');
  return `sim${kind}_${noise}`;
}

/**
 * Makes `value` the newest of `history` (oldest first). Only the immediately previous value has the overlap: the
 * one before it is invalid at once, and none is valid for longer than it was promised
 * (docs/wechat.md#classic-token).
 */
export function issue(history: IssuedValue[], value: string, now: number, policy: IssuePolicy): IssuedValue {
  const { lifetimeMs, overlapMs, minLength = 0 } = policy;
  const previous = history.at(-1);
  const beforePrevious = history.at(-2);
  if (previous) previous.validUntil = Math.min(previous.validUntil, now + overlapMs);
  if (beforePrevious) beforePrevious.validUntil = Math.min(beforePrevious.validUntil, now);

  // Remembered for a day after their end, because an expired token gets another code than a string that never was one.
  const firstRemembered = history.findIndex(({ expiresAt }) => expiresAt + REMEMBERED_MS > now);
  const forgotten = history.splice(0, firstRemembered === -1 ? history.length : firstRemembered);

  const expiresAt = now + lifetimeMs;
  const issued = { value: value.padEnd(minLength, value), issuedAt: now, expiresAt, validUntil: expiresAt };
  history.push(issued);
  const index = indexes.get(history);
  for (const { value: old } of forgotten) index?.delete(old);
  index?.set(issued.value, issued);
  return issued;
}

/** Every call shows a token, which may be anybody's: without an index each history would be walked through for it. */
const indexes = new WeakMap<readonly IssuedValue[], Map<string, IssuedValue>>();

/** The value, valid or not, if it is one of `history`, to which nothing but `issue` adds. */
export function findIssued(history: readonly IssuedValue[], value: string): IssuedValue | undefined {
  let index = indexes.get(history);
  if (!index) {
    index = new Map(history.map((issued) => [issued.value, issued]));
    indexes.set(history, index);
  }
  return index.get(value);
}

/** Every value that is still valid stops being so: WeChat may do that at any time. */
export function invalidateAll(history: readonly IssuedValue[], now: number): void {
  for (const issued of history) issued.validUntil = Math.min(issued.validUntil, now);
}

export function isValid(issued: IssuedValue, now: number): boolean {
  return now < issued.validUntil;
}

/** The newest value while it is valid. */
export function currentOf(history: readonly IssuedValue[], now: number): IssuedValue | undefined {
  const newest = history.at(-1);
  return newest && isValid(newest, now) ? newest : undefined;
}

/** What `expires_in` says: whole seconds, rounded down so that no more is promised than there is. */
export function secondsLeft(issued: IssuedValue, now: number): number {
  return Math.floor((issued.expiresAt - now) / 1000);
}
