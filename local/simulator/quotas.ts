import * as z from 'zod';

export const callCounterSchema = z.strictObject({ window: z.number(), count: z.number() });
/** Calls counted in one fixed window of time, which `minuteOf`, `hourOf` or `beijingDayOf` numbers. */
export type CallCounter = z.infer<typeof callCounterSchema>;

export function newCounter(): CallCounter {
  return { window: 0, count: 0 };
}

/** Counts one more call in `window`. False, and nothing counted, when `limit` calls were made in it already. */
export function consume(counter: CallCounter, window: number, limit: number): boolean {
  if (counter.window !== window) Object.assign(counter, { window, count: 0 });
  if (counter.count >= limit) return false;
  counter.count += 1;
  return true;
}

/** How many calls were counted in `window`. */
export function usedIn(counter: CallCounter, window: number): number {
  return counter.window === window ? counter.count : 0;
}

/** Uses up what is left of `limit` in `window`. */
export function exhaust(counter: CallCounter, window: number, limit: number): void {
  Object.assign(counter, { window, count: limit });
}

export function minuteOf(now: number): number {
  return Math.floor(now / 60_000);
}

export function hourOf(now: number): number {
  return Math.floor(now / 3_600_000);
}

/** Daily quotas start anew at midnight in Beijing, UTC+8 all year: assumed, see docs/wechat.md#not-documented. */
export function beijingDayOf(now: number): number {
  return Math.floor((now + 8 * 3_600_000) / 86_400_000);
}

/** Quotas of a month start anew on its first day in Beijing. */
export function beijingMonthOf(now: number): number {
  const date = new Date(now + 8 * 3_600_000);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}
