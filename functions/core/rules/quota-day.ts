/** WeChat counts daily quotas by the day in Beijing: docs/wechat.md#classic-token. */
const BEIJING_OFFSET_MS = 8 * 3_600_000;
const DAY_MS = 86_400_000;

function beijingDay(now: number): number {
  return Math.floor((now + BEIJING_OFFSET_MS) / DAY_MS);
}

/** Epoch ms. */
export function startOfNextBeijingDay(now: number): number {
  return (beijingDay(now) + 1) * DAY_MS - BEIJING_OFFSET_MS;
}

/** How long the Beijing day of `now` (epoch ms) has lasted. */
export function sinceBeijingMidnightMs(now: number): number {
  return (now + BEIJING_OFFSET_MS) % DAY_MS;
}

/** What is left, on the Beijing day of `now`, of a count that was last raised at `lastAt` (epoch ms, 0 = never). */
export function countForToday(lastAt: number, count: number, now: number): number {
  return lastAt > 0 && beijingDay(lastAt) === beijingDay(now) ? count : 0;
}
