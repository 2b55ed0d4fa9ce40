import { type Account, ticketTypes } from './account.ts';
import { accountOfToken, authenticate, bearerOf } from './admission.ts';
import { grantClassicToken } from './classic-token.ts';
import { WechatError } from './errors.ts';
import { secondsLeft } from './issued.ts';
import { beijingDayOf, spentIn } from './quota.ts';
import type { Route, RouteRequest, Routes } from './route.ts';
import { grantStableToken, STABLE_CALLS_PER_DAY } from './stable-token.ts';
import { grantTicket } from './ticket.ts';

const classicToken: Route = {
  method: 'GET',
  callerOf: ({ query }) => ({ appId: query.get('appid') ?? undefined }),
  answer({ query }, { accounts, callerIp, now, terms }) {
    const application = {
      grantType: query.get('grant_type') ?? undefined,
      appId: query.get('appid') ?? undefined,
      secret: query.get('secret') ?? undefined,
    };
    const token = grantClassicToken(authenticate(accounts, application, callerIp), now, terms);
    return { access_token: token.value, expires_in: secondsLeft(token, now) };
  },
};

const stableToken: Route = {
  method: 'POST',
  callerOf: ({ json }) => ({ appId: textField(json, 'appid') }),
  answer({ json }, { accounts, callerIp, now, terms }) {
    if (!json) throw new WechatError(47001);
    const application = {
      grantType: textField(json, 'grant_type'),
      appId: textField(json, 'appid'),
      secret: textField(json, 'secret'),
    };
    const account = authenticate(accounts, application, callerIp);
    const token = grantStableToken(account, json['force_refresh'] === true, now, terms);
    return { access_token: token.value, expires_in: secondsLeft(token, now) };
  },
};

/** An unknown `type` gets 40097; WECHAT.md names no code for it. */
const ticket: Route = {
  method: 'GET',
  callerOf: ({ query }, { accounts }) => ({
    appId: accountOfToken(accounts, query.get('access_token'))?.appId,
  }),
  answer({ query }, { accounts, now, terms }) {
    const account = bearerOf(accounts, query.get('access_token'), now);
    const type = ticketTypes.find((each) => each === query.get('type'));
    if (!type) throw new WechatError(40097);
    const issued = grantTicket(account, type, now, terms);
    // The full lifetime even when half of it is over: "`expires_in` still says 7200" (WECHAT.md, "getticket").
    const expiresIn = secondsLeft(issued, issued.issuedAt);
    return { errcode: 0, errmsg: 'ok', ticket: issued.value, expires_in: expiresIn };
  },
};

/**
 * How many of the day's calls of an interface were made, by whoever made them:
 * https://developers.weixin.qq.com/doc/offiaccount/openApi/get_api_quota.html. 76003 for a path it does not know.
 */
const apiQuota: Route = {
  method: 'POST',
  callerOf: ({ query }, { accounts }) => ({
    appId: accountOfToken(accounts, query.get('access_token'))?.appId,
  }),
  answer({ query, json }, { accounts, now }) {
    const account = bearerOf(accounts, query.get('access_token'), now);
    const calls = dailyCalls(account, textField(json, 'cgi_path'), beijingDayOf(now));
    if (!calls) throw new WechatError(76003);
    const { used, limit } = calls;
    return { errcode: 0, errmsg: 'ok', quota: { daily_limit: limit, used, remain: limit - used } };
  },
};

function dailyCalls({ classic, stable }: Account, path: string | undefined, day: number) {
  if (path === '/cgi-bin/token') {
    return { used: spentIn(classic.callsToday, day), limit: classic.dailyQuota };
  }
  if (path === '/cgi-bin/stable_token') {
    return { used: spentIn(stable.callsToday, day), limit: STABLE_CALLS_PER_DAY };
  }
  return undefined;
}

/** The routes of official accounts, mini programs and mini games that WeCom does not have. */
export const officialAccountRoutes: Routes = {
  '/cgi-bin/token': classicToken,
  '/cgi-bin/stable_token': stableToken,
  '/cgi-bin/ticket/getticket': ticket,
  '/cgi-bin/openapi/quota/get': apiQuota,
};

function textField(json: RouteRequest['json'], name: string): string | undefined {
  const value = json?.[name];
  return typeof value === 'string' ? value : undefined;
}
