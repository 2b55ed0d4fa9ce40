import { ticketTypes } from './account.ts';
import { admit, bearerOf } from './admission.ts';
import { grantClassicToken } from './classic-token.ts';
import { WechatError } from './errors.ts';
import { secondsLeft } from './issued.ts';
import type { Route, RouteRequest, Routes, Surroundings } from './route.ts';
import { grantStableToken } from './stable-token.ts';
import { grantTicket } from './ticket.ts';

const classicToken: Route = {
  method: 'GET',
  appIdOf: ({ query }) => query.get('appid') ?? undefined,
  answer({ query }, { accounts, callerIp, now, terms }) {
    const application = {
      grantType: query.get('grant_type') ?? undefined,
      appId: query.get('appid') ?? undefined,
      secret: query.get('secret') ?? undefined,
    };
    const token = grantClassicToken(admit(accounts, application, callerIp), now, terms);
    return { access_token: token.value, expires_in: secondsLeft(token, now) };
  },
};

const stableToken: Route = {
  method: 'POST',
  appIdOf: ({ json }) => textField(json, 'appid'),
  answer({ json }, { accounts, callerIp, now, terms }) {
    if (!json) throw new WechatError(47001);
    const application = {
      grantType: textField(json, 'grant_type'),
      appId: textField(json, 'appid'),
      secret: textField(json, 'secret'),
    };
    const account = admit(accounts, application, callerIp);
    const token = grantStableToken(account, json['force_refresh'] === true, now, terms);
    return { access_token: token.value, expires_in: secondsLeft(token, now) };
  },
};

/** An unknown `type` gets 40097; WECHAT.md names no code for it. */
const ticket: Route = {
  method: 'GET',
  appIdOf: accountOfToken,
  answer({ query }, { accounts, now, terms }) {
    const account = bearerOf(accounts, query.get('access_token') ?? undefined, now);
    const type = ticketTypes.find((each) => each === query.get('type'));
    if (!type) throw new WechatError(40097);
    const issued = grantTicket(account, type, now, terms);
    // The full lifetime even when half of it is over: "`expires_in` still says 7200" (WECHAT.md, "getticket").
    const expiresIn = secondsLeft(issued, issued.issuedAt);
    return { errcode: 0, errmsg: 'ok', ticket: issued.value, expires_in: expiresIn };
  },
};

/** A route whose only use here is to tell whether a token is alive. */
function protectedRoute(ipList: readonly string[]): Route {
  return {
    method: 'GET',
    appIdOf: accountOfToken,
    answer({ query }, { accounts, now }) {
      bearerOf(accounts, query.get('access_token') ?? undefined, now);
      return { ip_list: ipList };
    },
  };
}

/** The routes of official accounts, mini programs and mini games. */
export const officialAccountRoutes: Routes = {
  '/cgi-bin/token': classicToken,
  '/cgi-bin/stable_token': stableToken,
  '/cgi-bin/ticket/getticket': ticket,
  '/cgi-bin/get_api_domain_ip': protectedRoute(['198.51.100.7', '198.51.100.8']),
  '/cgi-bin/getcallbackip': protectedRoute(['198.51.100.64', '198.51.100.128/25']),
};

/** The account of a token, dead or alive. */
function accountOfToken({ query }: RouteRequest, { accounts }: Surroundings): string | undefined {
  const accessToken = query.get('access_token');
  const owner = [...accounts.values()].find(({ classic, stable }) =>
    [...classic.tokens, ...stable.tokens].some(({ value }) => value === accessToken),
  );
  return owner?.appId;
}

function textField(json: RouteRequest['json'], name: string): string | undefined {
  const value = json?.[name];
  return typeof value === 'string' ? value : undefined;
}
