import { OfficialAccountError, WecomError } from './error-responses.ts';
import { secondsLeft } from './issued-values.ts';
import {
  type Account,
  accountOfToken,
  authenticate,
  authenticateToken,
  grantClassicToken,
  grantStableToken,
  grantTicket,
  STABLE_CALLS_PER_DAY,
  ticketTypes,
} from './official-account.ts';
import { beijingDayOf, usedIn } from './quotas.ts';
import type { Caller, RequestContext, Route, RouteRequest, Routes } from './request-handler.ts';
import {
  agentOfToken,
  authenticateApp,
  authenticateWecomToken,
  findCorp,
  grantWecomTicket,
  grantWecomToken,
  type WecomTicketType,
  withinCorpLimits,
} from './wecom.ts';

/** docs/wechat.md#classic-token */
const classicToken: Route = {
  method: 'GET',
  callerOf: ({ query }) => ({ appId: query.get('appid') ?? undefined }),
  answer({ query }, { accounts, callerIp, now, policy }) {
    const credentials = {
      grantType: query.get('grant_type') ?? undefined,
      appId: query.get('appid') ?? undefined,
      secret: query.get('secret') ?? undefined,
    };
    const token = grantClassicToken(authenticate(accounts, credentials, callerIp), now, policy);
    return { access_token: token.value, expires_in: secondsLeft(token, now) };
  },
};

/** docs/wechat.md#stable-token */
const stableToken: Route = {
  method: 'POST',
  callerOf: ({ json }) => ({ appId: textField(json, 'appid') }),
  answer({ json }, { accounts, callerIp, now, policy }) {
    if (!json) throw new OfficialAccountError(47001);
    const credentials = {
      grantType: textField(json, 'grant_type'),
      appId: textField(json, 'appid'),
      secret: textField(json, 'secret'),
    };
    const account = authenticate(accounts, credentials, callerIp);
    const token = grantStableToken(account, json['force_refresh'] === true, now, policy);
    return { access_token: token.value, expires_in: secondsLeft(token, now) };
  },
};

/** docs/wechat.md#tickets. The code of an unknown `type` is not documented; here it is 40097. */
const ticket: Route = {
  method: 'GET',
  callerOf: ownerOfToken,
  answer({ query }, { accounts, now, policy }) {
    const account = authenticateToken(accounts, query.get('access_token'), now);
    const type = ticketTypes.find((each) => each === query.get('type'));
    if (!type) throw new OfficialAccountError(40097);
    const issued = grantTicket(account, type, now, policy);
    // The full lifetime, however old the ticket is: WeChat says 7200 every time.
    const expiresIn = secondsLeft(issued, issued.issuedAt);
    return { errcode: 0, errmsg: 'ok', ticket: issued.value, expires_in: expiresIn };
  },
};

/** Every client's calls of the day (docs/wechat.md#is-a-token-still-valid), of two interfaces; another gets 76003. */
const apiQuota: Route = {
  method: 'POST',
  callerOf: ownerOfToken,
  answer({ query, json }, { accounts, now }) {
    const account = authenticateToken(accounts, query.get('access_token'), now);
    const calls = dailyCalls(account, textField(json, 'cgi_path'), beijingDayOf(now));
    if (!calls) throw new OfficialAccountError(76003);
    const { used, limit } = calls;
    return { errcode: 0, errmsg: 'ok', quota: { daily_limit: limit, used, remain: limit - used } };
  },
};

function dailyCalls({ classic, stable }: Account, path: string | undefined, day: number) {
  if (path === '/cgi-bin/token') {
    return { used: usedIn(classic.callsToday, day), limit: classic.dailyQuota };
  }
  if (path === '/cgi-bin/stable_token') {
    return { used: usedIn(stable.callsToday, day), limit: STABLE_CALLS_PER_DAY };
  }
  return undefined;
}

/** A route of both platforms, used for nothing but to learn whether a token is valid. */
function probe(ipList: readonly string[]): Route {
  return {
    method: 'GET',
    callerOf: ownerOfToken,
    answer({ query }, { accounts, corps, now }) {
      const accessToken = query.get('access_token');
      if (agentOfToken(corps, accessToken)) authenticateWecomToken(corps, accessToken, now);
      else authenticateToken(accounts, accessToken, now);
      return { ip_list: ipList };
    },
  };
}

/** docs/wechat.md#wecom */
const wecomToken: Route = {
  method: 'GET',
  callerOf: ({ query }) => ({ corpId: query.get('corpid') ?? undefined }),
  answer({ query }, { corps, callerIp, now, policy }) {
    const corp = findCorp(corps, query.get('corpid'));
    const issued = withinCorpLimits(corp, now, () =>
      grantWecomToken({ corp, app: authenticateApp(corp, query.get('corpsecret'), callerIp) }, now, policy),
    );
    return {
      errcode: 0,
      errmsg: 'ok',
      access_token: issued.value,
      expires_in: secondsLeft(issued, now),
    };
  },
};

const wecomJsapiTicket: Route = {
  method: 'GET',
  callerOf: ownerOfToken,
  answer: (request, context) => wecomTicketAnswer(request, context, () => 'jsapi'),
};

/** The code of another `type` is not documented; here it is 40097. */
const wecomAgentConfigTicket: Route = {
  method: 'GET',
  callerOf: ownerOfToken,
  answer: (request, context) =>
    wecomTicketAnswer(request, context, () => {
      if (request.query.get('type') !== 'agent_config') throw new WecomError(40097);
      return 'agent_config';
    }),
};

/** @param requestedType called after the token was checked, because a wrong token is reported before a wrong type */
function wecomTicketAnswer(
  { query }: RouteRequest,
  { corps, now, policy }: RequestContext,
  requestedType: () => WecomTicketType,
): object {
  const agent = authenticateWecomToken(corps, query.get('access_token'), now);
  const issued = grantWecomTicket(agent, requestedType(), now, policy);
  // The full lifetime, however old the ticket is, as official accounts do.
  const expiresIn = secondsLeft(issued, issued.issuedAt);
  return { errcode: 0, errmsg: 'ok', ticket: issued.value, expires_in: expiresIn };
}

function ownerOfToken({ query }: RouteRequest, { accounts, corps }: RequestContext): Caller {
  const accessToken = query.get('access_token');
  return {
    appId: accountOfToken(accounts, accessToken)?.appId,
    corpId: agentOfToken(corps, accessToken)?.corp.corpId,
  };
}

function textField(json: RouteRequest['json'], name: string): string | undefined {
  const value = json?.[name];
  return typeof value === 'string' ? value : undefined;
}

/** Every route of WeChat and WeCom that the simulator has; it is one server for the two. */
export const routes: Routes = {
  '/cgi-bin/token': classicToken,
  '/cgi-bin/stable_token': stableToken,
  '/cgi-bin/ticket/getticket': ticket,
  '/cgi-bin/openapi/quota/get': apiQuota,
  '/cgi-bin/get_api_domain_ip': probe(['198.51.100.7', '198.51.100.8']),
  '/cgi-bin/getcallbackip': probe(['198.51.100.64', '198.51.100.128/25']),
  '/cgi-bin/gettoken': wecomToken,
  '/cgi-bin/get_jsapi_ticket': wecomJsapiTicket,
  '/cgi-bin/ticket/get': wecomAgentConfigTicket,
};
