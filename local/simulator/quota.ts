import * as z from 'zod';

export const tallySchema = z.strictObject({ window: z.number(), count: z.number() });
/** Calls counted in one window of time: a minute, an hour or a day. */
export type Tally = z.infer<typeof tallySchema>;

export function emptyTally(): Tally {
  return { window: 0, count: 0 };
}

/**
 * Counts one more call in `window`. False, and nothing counted, when `limit` calls were made in it already.
 */
export function spend(tally: Tally, window: number, limit: number): boolean {
  if (tally.window !== window) Object.assign(tally, { window, count: 0 });
  if (tally.count >= limit) return false;
  tally.count += 1;
  return true;
}

/** How many calls were counted in `window`. */
export function spentIn(tally: Tally, window: number): number {
  return tally.window === window ? tally.count : 0;
}

/** Uses up what is left of `limit` in `window`. */
export function exhaust(tally: Tally, window: number, limit: number): void {
  Object.assign(tally, { window, count: limit });
}

/** Daily quotas start anew at midnight in Beijing, which is UTC+8 all year. */
export function beijingDayOf(now: number): number {
  return Math.floor((now + 8 * 3_600_000) / 86_400_000);
}

export function minuteOf(now: number): number {
  return Math.floor(now / 60_000);
}

export function hourOf(now: number): number {
  return Math.floor(now / 3_600_000);
}
