import type { CredentialRecord } from './credential.ts';

/** WeChat's daily quotas are counted by the day in Beijing. */
const BEIJING_OFFSET_MS = 8 * 3_600_000;
const DAY_MS = 86_400_000;

function beijingDay(now: number): number {
  return Math.floor((now + BEIJING_OFFSET_MS) / DAY_MS);
}

/** Epoch ms. */
export function startOfNextBeijingDay(now: number): number {
  return (beijingDay(now) + 1) * DAY_MS - BEIJING_OFFSET_MS;
}

/** Forced renewals already made on the Beijing day of `now`. */
export function forcedOnDayOf(record: CredentialRecord, now: number): number {
  return record.forcedAt > 0 && beijingDay(record.forcedAt) === beijingDay(now) ? record.forcedToday : 0;
}
