import { type App, credentialsOf, liveValue, type TicketType, ticketName } from '../../core/credential.ts';
import type { ReadRequest } from '../http-types.ts';
import { WechatApiError } from './errors.ts';
import type { RouteContext } from './token-routes.ts';

/** What `type` may be, and the ticket that it names: docs/wechat.md#tickets, docs/wechat.md#wecom. */
const getticketTypes: TicketTypes = new Map([
  ['jsapi', 'jsapi'],
  ['wx_card', 'wx_card'],
  ['2', 'sdk'],
]);
const wecomTypes: TicketTypes = new Map([['agent_config', 'agent_config']]);
type TicketTypes = ReadonlyMap<string, TicketType>;

/** `GET /cgi-bin/ticket/getticket?access_token=&type=jsapi|wx_card|2` */
export async function ticket({ query }: ReadRequest, context: RouteContext): Promise<object> {
  const app = await appOfToken(query, (each) => each.kind !== 'wecom', context);
  return serveTicket(app, typeOf(query, getticketTypes), context);
}

/** `GET /cgi-bin/get_jsapi_ticket?access_token=` of WeCom */
export async function wecomJsapiTicket({ query }: ReadRequest, context: RouteContext): Promise<object> {
  return serveTicket(await appOfToken(query, (each) => each.kind === 'wecom', context), 'jsapi', context);
}

/** `GET /cgi-bin/ticket/get?access_token=&type=agent_config` of WeCom */
export async function wecomAgentTicket({ query }: ReadRequest, context: RouteContext): Promise<object> {
  const app = await appOfToken(query, (each) => each.kind === 'wecom', context);
  return serveTicket(app, typeOf(query, wecomTypes), context);
}

/** A caller that has our token may have the tickets that the token fetches at WeChat: it needs no reader key. */
async function appOfToken(
  query: URLSearchParams,
  ofPlatform: (app: App) => boolean,
  { tokens }: RouteContext,
): Promise<App> {
  const accessToken = query.get('access_token');
  if (!accessToken) throw new WechatApiError(41001);
  const app = await tokens.find(accessToken, ofPlatform);
  if (!app) throw new WechatApiError(40001);
  return app;
}

function typeOf(query: URLSearchParams, types: TicketTypes): TicketType {
  const type = types.get(query.get('type') ?? '');
  if (!type) throw new WechatApiError(40097, `type is one of ${[...types.keys()].join(', ')}`);
  return type;
}

async function serveTicket(app: App, type: TicketType, { cache }: RouteContext): Promise<object> {
  const name = ticketName(type);
  if (!credentialsOf(app).some((credential) => credential.name === name)) {
    throw new WechatApiError(48001, `add ${type} to the tickets of app '${app.name}' and deploy`);
  }
  const { record, now } = await cache.get(app, name);
  const live = liveValue(record, app, now);
  if (!live) throw new WechatApiError(-1, `app '${app.name}' has no live ${name} at the moment`);
  const expiresIn = Math.floor((live.expiresAt - now) / 1000);
  return { errcode: 0, errmsg: 'ok', ticket: live.value, expires_in: expiresIn };
}
