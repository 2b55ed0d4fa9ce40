import type { Account } from './account.ts';
import { WechatError } from './errors.ts';
import { type Issued, issue, type Terms } from './issued.ts';
import { mint } from './mint.ts';
import { beijingDayOf, minuteOf, spend } from './quota.ts';

const CALLS_PER_MINUTE = 10_000;
export const STABLE_CALLS_PER_DAY = 500_000;
const FORCED_PER_DAY = 20;
const FORCED_SPACING_MS = 30_000;

/**
 * `/cgi-bin/stable_token` of an admitted caller (WECHAT.md, "stable_token"): the same token until its last
 * `overlapMs`, then a new one; so `expires_in` is never under the overlap. `forceRefresh` asks for a new one
 * at once. 45011 and 45009 above the quotas. Nothing here touches the classic token.
 */
export function grantStableToken(account: Account, forceRefresh: boolean, now: number, terms: Terms): Issued {
  const { tokens, callsThisMinute, callsToday } = account.stable;
  if (!spend(callsThisMinute, minuteOf(now), CALLS_PER_MINUTE)) throw new WechatError(45011);
  if (!spend(callsToday, beijingDayOf(now), STABLE_CALLS_PER_DAY)) throw new WechatError(45009);

  const current = tokens.at(-1);
  const forced = forceRefresh && takeForcedRefresh(account, now);
  if (!forced && current && current.expiresAt - now >= terms.overlapMs) return current;
  return issue(tokens, mint(account, account.appId, 'stable', now), now, terms);
}

/** "At most 20 a day and 30 s apart (sooner: no refresh, the current one comes back)"; a 21st gets 45009. */
function takeForcedRefresh({ stable }: Account, now: number): boolean {
  if (stable.forcedAt !== undefined && now - stable.forcedAt < FORCED_SPACING_MS) return false;
  if (!spend(stable.forcedToday, beijingDayOf(now), FORCED_PER_DAY)) throw new WechatError(45009);
  stable.forcedAt = now;
  return true;
}
