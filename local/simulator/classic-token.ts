import type { Account } from './account.ts';
import { WechatError } from './errors.ts';
import { type Issued, issue, type Terms } from './issued.ts';
import { mint } from './mint.ts';
import { beijingDayOf, exhaust, spend } from './quota.ts';

/**
 * `/cgi-bin/token` of an admitted caller: every call issues a new token, up to the daily quota, then 45009
 * (WECHAT.md, "classic").
 */
export function grantClassicToken(account: Account, now: number, terms: Terms): Issued {
  const { tokens, callsToday, dailyQuota } = account.classic;
  if (!spend(callsToday, beijingDayOf(now), dailyQuota)) throw new WechatError(45009);
  return issue(tokens, mint(account, account.appId, 'classic', now), now, terms);
}

/** Somebody uses up the rest of the day's calls; the token stays as it is. */
export function burnDailyQuota({ classic }: Account, now: number): void {
  exhaust(classic.callsToday, beijingDayOf(now), classic.dailyQuota);
}
