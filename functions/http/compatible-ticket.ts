import { type App, credentialsOf, liveValue, type TicketType, ticketName } from '../core/credential.ts';
import { CompatibleRefusal } from './compatible-refusal.ts';
import type { ReadRequest } from './exchange.ts';
import type { RecordCache } from './record-cache.ts';
import type { TokenHolders } from './token-holders.ts';

export type TicketLending = { readonly holders: TokenHolders; readonly cache: RecordCache };

/** `GET /cgi-bin/ticket/getticket?access_token=&type=jsapi|wx_card` */
export async function ticket({ query }: ReadRequest, lending: TicketLending): Promise<object> {
  const app = await holder(query, (each) => each.kind !== 'wecom', lending);
  return lend(app, oneOf(['jsapi', 'wx_card'], query), lending);
}

/** `GET /cgi-bin/get_jsapi_ticket?access_token=` of WeCom */
export async function wecomJsapiTicket({ query }: ReadRequest, lending: TicketLending): Promise<object> {
  return lend(await holder(query, (each) => each.kind === 'wecom', lending), 'jsapi', lending);
}

/** `GET /cgi-bin/ticket/get?access_token=&type=agent_config` of WeCom */
export async function wecomAgentTicket({ query }: ReadRequest, lending: TicketLending): Promise<object> {
  const app = await holder(query, (each) => each.kind === 'wecom', lending);
  return lend(app, oneOf(['agent_config'], query), lending);
}

/** Whoever shows our token has the right to the tickets that it fetches at WeChat: it needs no reader key. */
async function holder(
  query: URLSearchParams,
  ofPlatform: (app: App) => boolean,
  { holders }: TicketLending,
): Promise<App> {
  const accessToken = query.get('access_token');
  if (!accessToken) throw new CompatibleRefusal(41001);
  const app = await holders.find(accessToken, ofPlatform);
  if (!app) throw new CompatibleRefusal(40001);
  return app;
}

function oneOf<T extends TicketType>(types: readonly T[], query: URLSearchParams): T {
  const type = types.find((each) => each === query.get('type'));
  if (!type) throw new CompatibleRefusal(40097, `type is one of ${types.join(', ')}`);
  return type;
}

async function lend(app: App, type: TicketType, { cache }: TicketLending): Promise<object> {
  const name = ticketName(type);
  if (!credentialsOf(app).some((credential) => credential.name === name)) {
    throw new CompatibleRefusal(48001, `add ${type} to the tickets of app '${app.name}' and deploy`);
  }
  const { record, now } = await cache.get(app, name);
  const live = liveValue(record, app, now);
  if (!live) throw new CompatibleRefusal(-1, `app '${app.name}' has no live ${name} at the moment`);
  const expiresIn = Math.floor((live.expiresAt - now) / 1000);
  return { errcode: 0, errmsg: 'ok', ticket: live.value, expires_in: expiresIn };
}
