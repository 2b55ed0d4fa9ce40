import { type Account, mint } from './account.ts';
import { WechatError } from './errors.ts';
import { type Issued, issue, type Terms } from './issued.ts';
import { beijingDayOf, spend } from './quota.ts';

/**
 * `/cgi-bin/token` of an admitted caller: every call issues a new token, up to the daily quota, then 45009
 * (WECHAT.md, "classic").
 */
export function grantClassicToken(account: Account, now: number, terms: Terms): Issued {
  const { tokens, callsToday, dailyQuota } = account.classic;
  if (!spend(callsToday, beijingDayOf(now), dailyQuota)) throw new WechatError(45009);
  return issue(tokens, mint(account, 'classic', now), now, terms);
}
