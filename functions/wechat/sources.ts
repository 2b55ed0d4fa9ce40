import * as z from 'zod';
import type { CredentialSource, Grant, TicketOrder, TokenOrder } from '../core/ports.ts';
import type { WechatClient } from './client.ts';

/** "Reserve 512 characters" is WeChat's word; a ticket is shorter. */
const value = z.string().min(1).max(512);
/** "The lifetime may change": whatever it says counts, but for nothing or nonsense. */
const seconds = z.number().int().positive().max(31_536_000);

const tokenAnswer = z.object({ access_token: value, expires_in: seconds });
const ticketAnswer = z.object({ ticket: value, expires_in: seconds });

/** Every credential from the interface that grants it. */
export function wechatSource(client: WechatClient): CredentialSource {
  return {
    fetch(order) {
      if (order.name === 'access-token') {
        return order.app.tokenApi === 'stable' ? stableToken(client, order) : classicToken(client, order);
      }
      return jsapiTicket(client, order);
    },
  };
}

/** Each call invalidates the token before; both work for five minutes. WECHAT.md, "GET /cgi-bin/token". */
async function classicToken(client: WechatClient, { app, secret }: TokenOrder): Promise<Grant> {
  const { access_token, expires_in } = await client.call({
    app,
    path: '/cgi-bin/token',
    query: { grant_type: 'client_credential', appid: app.appId, secret },
    calledWith: 'secret',
    answer: tokenAnswer,
  });
  return { value: access_token, expiresInSeconds: expires_in };
}

/** The same token until its last five minutes, unless forced. WECHAT.md, "POST /cgi-bin/stable_token". */
async function stableToken(client: WechatClient, { app, secret, force }: TokenOrder): Promise<Grant> {
  const { access_token, expires_in } = await client.call({
    app,
    path: '/cgi-bin/stable_token',
    json: { grant_type: 'client_credential', appid: app.appId, secret, force_refresh: force },
    calledWith: 'secret',
    answer: tokenAnswer,
  });
  return { value: access_token, expiresInSeconds: expires_in };
}

/** WECHAT.md, "GET /cgi-bin/ticket/getticket". */
async function jsapiTicket(client: WechatClient, { app, accessToken }: TicketOrder): Promise<Grant> {
  const { ticket, expires_in } = await client.call({
    app,
    path: '/cgi-bin/ticket/getticket',
    query: { access_token: accessToken, type: 'jsapi' },
    calledWith: 'access-token',
    answer: ticketAnswer,
  });
  return { value: ticket, expiresInSeconds: expires_in };
}
