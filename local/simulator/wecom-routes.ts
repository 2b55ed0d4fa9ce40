import type { WecomTicketType } from './corp.ts';
import { secondsLeft } from './issued.ts';
import type { Route, RouteRequest, Routes, Surroundings } from './route.ts';
import { admitApp, agentOfToken, corpOf, wecomBearerOf } from './wecom-admission.ts';
import { WecomError } from './wecom-errors.ts';
import { throttled } from './wecom-throttle.ts';
import { grantWecomTicket } from './wecom-ticket.ts';
import { grantWecomToken } from './wecom-token.ts';

const token: Route = {
  method: 'GET',
  callerOf: ({ query }) => ({ corpId: query.get('corpid') ?? undefined }),
  answer({ query }, { corps, callerIp, now, terms }) {
    const corp = corpOf(corps, query.get('corpid'));
    const issued = throttled(corp, now, () =>
      grantWecomToken({ corp, app: admitApp(corp, query.get('corpsecret'), callerIp) }, now, terms),
    );
    return {
      errcode: 0,
      errmsg: 'ok',
      access_token: issued.value,
      expires_in: secondsLeft(issued, now),
    };
  },
};

const jsapiTicket: Route = {
  method: 'GET',
  callerOf: corpOfToken,
  answer: (request, surroundings) => ticketAnswer(request, surroundings, () => 'jsapi'),
};

/** Another `type` gets 40097; WECHAT.md names no code for it. */
const agentConfigTicket: Route = {
  method: 'GET',
  callerOf: corpOfToken,
  answer: (request, surroundings) =>
    ticketAnswer(request, surroundings, () => {
      if (request.query.get('type') !== 'agent_config') throw new WecomError(40097);
      return 'agent_config';
    }),
};

/** The routes of WeCom that official accounts do not have. */
export const wecomRoutes: Routes = {
  '/cgi-bin/gettoken': token,
  '/cgi-bin/get_jsapi_ticket': jsapiTicket,
  '/cgi-bin/ticket/get': agentConfigTicket,
};

/** The token is looked at before the type that is asked for. */
function ticketAnswer(
  { query }: RouteRequest,
  { corps, now, terms }: Surroundings,
  typeAskedFor: () => WecomTicketType,
): object {
  const agent = wecomBearerOf(corps, query.get('access_token'), now);
  const issued = grantWecomTicket(agent, typeAskedFor(), now, terms);
  // The full lifetime, however old the ticket is, as official accounts do (WECHAT.md, "getticket").
  const expiresIn = secondsLeft(issued, issued.issuedAt);
  return { errcode: 0, errmsg: 'ok', ticket: issued.value, expires_in: expiresIn };
}

function corpOfToken({ query }: RouteRequest, { corps }: Surroundings) {
  return { corpId: agentOfToken(corps, query.get('access_token'))?.corp.corpId };
}
