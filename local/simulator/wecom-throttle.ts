import type { Corp } from './corp.ts';
import { hourOf, minuteOf, spend } from './quota.ts';
import { WecomError } from './wecom-errors.ts';

const CALLS_PER_MINUTE = 10_000;
const CALLS_PER_HOUR = 150_000;
const FAILURES_PER_HOUR = 2_000;
const BLOCK_MS = 3_600_000;

/**
 * Does the `work` of one `gettoken` call within the corp's limits: 45009 above 10,000 calls a minute or 150,000
 * an hour, and for one hour after the 2,000th call that failed within an hour (WECHAT.md, "WeCom").
 *
 * That page leaves open, and here it is so: minutes and hours are those of the clock; the limits are
 * `gettoken`'s own, as tickets have theirs; a failing call counts as a call; a 45009 does not count as failing,
 * or a caller that goes on asking would never get out; a corp that is unknown has nothing to count on.
 */
export function throttled<T>(corp: Corp, now: number, work: () => T): T {
  if (corp.blockedUntil !== undefined && now < corp.blockedUntil) throw new WecomError(45009);
  if (!spend(corp.tokenCallsThisMinute, minuteOf(now), CALLS_PER_MINUTE)) throw new WecomError(45009);
  if (!spend(corp.tokenCallsThisHour, hourOf(now), CALLS_PER_HOUR)) throw new WecomError(45009);
  try {
    return work();
  } catch (error) {
    spend(corp.failuresThisHour, hourOf(now), FAILURES_PER_HOUR);
    if (corp.failuresThisHour.count === FAILURES_PER_HOUR) corp.blockedUntil = now + BLOCK_MS;
    throw error;
  }
}
