import type { Account, TicketType } from './account.ts';
import { currentOf, type Issued, issue, type Terms } from './issued.ts';
import { mint } from './mint.ts';

/**
 * `/cgi-bin/ticket/getticket` with a live token: the same ticket until it has expired, whatever became of the
 * token that fetched it (WECHAT.md, "getticket"). The page names no number for "very limited" calls, so there
 * is no quota.
 */
export function grantTicket(account: Account, type: TicketType, now: number, terms: Terms): Issued {
  const line = account.tickets[type];
  return currentOf(line, now) ?? issue(line, mint(account, account.appId, 'ticket', now), now, terms);
}
