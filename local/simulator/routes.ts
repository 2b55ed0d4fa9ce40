import { OfficialAccountError, WecomError } from './error-responses.ts';
import { isValid, secondsLeft } from './issued-values.ts';
import {
  type Account,
  accountOfToken,
  authenticate,
  authenticateToken,
  CLASSIC_ROUTE,
  COUNT_ROUTE,
  countCall,
  dailyCallsOf,
  findToken,
  grantClassicToken,
  grantStableToken,
  grantTicket,
  resetDailyCalls,
  STABLE_ROUTE,
  type TicketType,
} from './official-account.ts';
import type { Caller, RequestContext, Route, RouteRequest, Routes } from './request-handler.ts';
import {
  agentOfToken,
  authenticateApp,
  authenticateWecomToken,
  findCorp,
  findWecomToken,
  grantWecomTicket,
  grantWecomToken,
  type WecomTicketType,
  withinCorpLimits,
} from './wecom.ts';

/** docs/wechat.md#classic-token */
const classicToken: Route = {
  methods: ['GET'],
  platform: 'official',
  callerOf: ({ query }) => ({ appId: query.get('appid') ?? undefined }),
  answer({ query }, { accounts, callerIp, now, policy }) {
    if (query.get('grant_type') !== 'client_credential') throw new OfficialAccountError(40002);
    const credentials = {
      appId: query.get('appid') ?? undefined,
      secret: query.get('secret') ?? undefined,
    };
    const token = grantClassicToken(authenticate(accounts, credentials, callerIp), now, policy);
    return { access_token: token.value, expires_in: secondsLeft(token, now) };
  },
};

/** docs/wechat.md#stable-token */
const stableToken: Route = {
  methods: ['POST'],
  platform: 'official',
  callerOf: ({ json }) => ({ appId: textField(json, 'appid') }),
  answer({ json }, { accounts, callerIp, now, policy }) {
    if (!json) throw new OfficialAccountError(47001);
    if (json['grant_type'] !== 'client_credential') throw new OfficialAccountError(40002);
    const credentials = { appId: textField(json, 'appid'), secret: textField(json, 'secret') };
    const account = authenticate(accounts, credentials, callerIp);
    const token = grantStableToken(account, json['force_refresh'] === true, now, policy);
    return { access_token: token.value, expires_in: secondsLeft(token, now) };
  },
};

/** WeChat's own names of the tickets (docs/wechat.md#tickets). */
const ticketTypesByParameter: Readonly<Record<string, TicketType>> = {
  jsapi: 'jsapi',
  wx_card: 'wx_card',
  2: 'sdk',
};

/** docs/wechat.md#tickets. The code of an unknown `type` is not documented; here it is 40097. */
const ticket: Route = {
  // SDKs POST it, too, with everything in the query.
  methods: ['GET', 'POST'],
  platform: 'official',
  callerOf: ownerOfToken,
  answer(request, context) {
    const { query } = request;
    const account = admitAccount(request, context);
    if (account.ticketsRefusedTo.includes(query.get('access_token') ?? '')) {
      throw new OfficialAccountError(-1000);
    }
    const type = ownEntry(ticketTypesByParameter, query.get('type') ?? '');
    if (!type) throw new OfficialAccountError(40097);
    const issued = grantTicket(account, type, context.now, context.policy);
    // The full lifetime, however old the ticket is: WeChat says 7200 every time.
    const expiresIn = secondsLeft(issued, issued.issuedAt);
    return { errcode: 0, errmsg: 'ok', ticket: issued.value, expires_in: expiresIn };
  },
};

/** A limit by the second or minute in the count's answer; 0 where there is none. */
const noRateLimit = { call_count: 0, refresh_second: 0 };

/**
 * Every client's calls of the day (docs/wechat.md#is-a-token-still-valid).
 *
 * @param isKnown whether the accounts have calls of this path
 */
function apiQuota(isKnown: (path: string) => boolean): Route {
  return {
    methods: ['POST'],
    platform: 'official',
    callerOf: ownerOfToken,
    answer(request, context) {
      const account = admitAccount(request, context);
      if (!request.json) throw new OfficialAccountError(47001);
      if (account.count.errcode !== undefined) throw new OfficialAccountError(account.count.errcode);
      const path = textField(request.json, 'cgi_path') ?? '';
      if (!path.startsWith('/')) throw new OfficialAccountError(76003);
      if (/(^|\/)sns\//.test(path)) throw new OfficialAccountError(76022);
      if (!isKnown(path)) throw new OfficialAccountError(76021);
      const { used, limit } = dailyCallsOf(account, path, context.now);
      return {
        errcode: 0,
        errmsg: 'ok',
        quota: { daily_limit: limit, used, remain: limit - used },
        rate_limit: path === STABLE_ROUTE ? { call_count: 10_000, refresh_second: 60 } : noRateLimit,
        component_rate_limit: noRateLimit,
      };
    },
  };
}

/** A refused request of the same account (docs/wechat.md#is-a-token-still-valid). */
const requestById: Route = {
  methods: ['POST'],
  platform: 'official',
  callerOf: ownerOfToken,
  answer(request, context) {
    const account = admitAccount(request, context);
    if (!request.json) throw new OfficialAccountError(47001);
    const refused = context.refusedRequest(textField(request.json, 'rid') ?? '');
    if (!refused || refused.appId !== account.appId) throw new OfficialAccountError(76001);
    return {
      errcode: 0,
      errmsg: 'ok',
      request: {
        invoke_time: Math.floor(refused.at / 1000),
        cost_in_ms: refused.costMs,
        request_url: refused.query,
        request_body: refused.body,
        response_body: refused.responseBody,
        client_ip: refused.callerIp,
      },
    };
  },
};

/** docs/wechat.md#is-a-token-still-valid */
const clearQuota: Route = {
  methods: ['POST'],
  platform: 'official',
  callerOf: ({ json }) => ({ appId: textField(json, 'appid') }),
  answer({ json }, { accounts, callerIp, now }) {
    if (!json) throw new OfficialAccountError(47001);
    const credentials = { appId: textField(json, 'appid'), secret: textField(json, 'appsecret') };
    resetDailyCalls(authenticate(accounts, credentials, callerIp), now);
    return { errcode: 0, errmsg: 'ok' };
  },
};

/** Needs an official account's token, and does nothing: for what apps do at WeChat. */
const templateMessage: Route = {
  methods: ['POST'],
  platform: 'official',
  callerOf: ownerOfToken,
  answer(request, context) {
    admitAccount(request, context);
    return { errcode: 0, errmsg: 'ok', msgid: context.serial };
  },
};

/** A route of both platforms that needs a token, and does nothing. */
function protectedRoute(methods: Route['methods'], answer: object): Route {
  return {
    methods,
    platform: 'both',
    callerOf: ownerOfToken,
    answer(request, context) {
      const accessToken = request.query.get('access_token');
      if (agentOfToken(context.corps, accessToken)) {
        authenticateWecomToken(context.corps, accessToken, context);
      } else {
        admitAccount(request, context);
      }
      return answer;
    },
  };
}

/** docs/wechat.md#wecom */
const wecomToken: Route = {
  methods: ['GET'],
  platform: 'wecom',
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
  methods: ['GET', 'POST'],
  platform: 'wecom',
  callerOf: ownerOfToken,
  answer: (request, context) => wecomTicketAnswer(request, context, () => 'jsapi'),
};

/** The code of another `type` is not documented; here it is 40097. */
const wecomAgentConfigTicket: Route = {
  methods: ['GET', 'POST'],
  platform: 'wecom',
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
  context: RequestContext,
  requestedType: () => WecomTicketType,
): object {
  const agent = authenticateWecomToken(context.corps, query.get('access_token'), context);
  const issued = grantWecomTicket(agent, requestedType(), context.now, context.policy);
  // The full lifetime, however old the ticket is, as official accounts do.
  const expiresIn = secondsLeft(issued, issued.issuedAt);
  return { errcode: 0, errmsg: 'ok', ticket: issued.value, expires_in: expiresIn };
}

/** The account whose valid token the request shows. The call counts as one of the day. */
function admitAccount({ path, query }: RouteRequest, context: RequestContext): Account {
  const account = authenticateToken(context.accounts, query.get('access_token'), context);
  countCall(account, path, context.now);
  return account;
}

function ownerOfToken({ query }: RouteRequest, { accounts, corps, now }: RequestContext): Caller {
  const accessToken = query.get('access_token');
  const account = accountOfToken(accounts, accessToken);
  const agent = account ? undefined : agentOfToken(corps, accessToken);
  const token = account ? findToken(account, accessToken) : agent && findWecomToken(agent.app, accessToken);
  return {
    appId: account?.appId,
    corpId: agent?.corp.corpId,
    hasValidToken: token !== undefined && isValid(token, now),
  };
}

function textField(json: RouteRequest['json'], name: string): string | undefined {
  const value = json?.[name];
  return typeof value === 'string' ? value : undefined;
}

function ownEntry<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/**
 * Every route of WeChat and WeCom that the simulator has; it is one server for the two.
 *
 * @param protectedPaths further paths that need a token of either platform, and do nothing
 */
export function createRoutes(protectedPaths: readonly string[]): Routes {
  const routes: Routes = {
    [CLASSIC_ROUTE]: classicToken,
    [STABLE_ROUTE]: stableToken,
    '/cgi-bin/ticket/getticket': ticket,
    [COUNT_ROUTE]: apiQuota((path) => (ownEntry(routes, path)?.platform ?? 'wecom') !== 'wecom'),
    '/cgi-bin/openapi/rid/get': requestById,
    '/cgi-bin/clear_quota/v2': clearQuota,
    '/cgi-bin/get_api_domain_ip': protectedRoute(['GET'], { ip_list: ['198.51.100.7', '198.51.100.8'] }),
    '/cgi-bin/getcallbackip': protectedRoute(['GET'], { ip_list: ['198.51.100.64', '198.51.100.128/25'] }),
    '/cgi-bin/message/template/send': templateMessage,
    '/cgi-bin/gettoken': wecomToken,
    '/cgi-bin/get_jsapi_ticket': wecomJsapiTicket,
    '/cgi-bin/ticket/get': wecomAgentConfigTicket,
    ...Object.fromEntries(
      protectedPaths.map((path) => [path, protectedRoute(['GET', 'POST'], { errcode: 0, errmsg: 'ok' })]),
    ),
  };
  return routes;
}
