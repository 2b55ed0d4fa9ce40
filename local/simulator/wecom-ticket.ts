import type { Agent, WecomTicketType } from './corp.ts';
import { currentOf, type Issued, issue, type Terms } from './issued.ts';
import { mint } from './mint.ts';
import { hourOf, spend } from './quota.ts';
import { WecomError } from './wecom-errors.ts';

const CALLS_PER_APP_AND_HOUR = 100;
const CALLS_PER_CORP_AND_HOUR = 400;

/**
 * A ticket for the bearer of a live token: the same until it has expired, as an official account's. 45009 above
 * 100 calls an hour of the app, or 400 of its corp (WECHAT.md, "WeCom"). That page leaves open whether the two
 * types share one quota: here each has its own.
 */
export function grantWecomTicket(agent: Agent, type: WecomTicketType, now: number, terms: Terms): Issued {
  const { corp, app } = agent;
  const hour = hourOf(now);
  if (!spend(app.ticketCallsThisHour[type], hour, CALLS_PER_APP_AND_HOUR)) throw new WecomError(45009);
  if (!spend(corp.ticketCallsThisHour[type], hour, CALLS_PER_CORP_AND_HOUR)) throw new WecomError(45009);
  const line = wecomTicketLine(agent, type);
  return currentOf(line, now) ?? issue(line, mint(corp, corp.corpId, 'ticket', now), now, terms);
}

/** A jsapi ticket is the corp's, whichever app asks; an agent_config ticket is the app's own. */
export function wecomTicketLine({ corp, app }: Agent, type: WecomTicketType): Issued[] {
  return type === 'jsapi' ? corp.jsapiTickets : app.agentConfigTickets;
}
