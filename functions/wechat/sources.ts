import * as z from 'zod';
import type { App, TicketName } from '../core/credential.ts';
import { SourceError } from '../core/errors.ts';
import type { CredentialSource, Grant, TicketRequest, TokenRequest } from '../core/ports.ts';
import type { WechatRequest } from './attempt.ts';
import type { WechatClient } from './client.ts';

/** WeChat asks to reserve 512 characters; a ticket is shorter. */
const value = z.string().min(1).max(512);
/** "The lifetime may change": whatever it says counts, but for nonsense; 0 is what WeCom says in a token's last second. */
const seconds = z.number().int().nonnegative().max(31_536_000);

const tokenAnswer = z.object({ access_token: value, expires_in: seconds });
const ticketAnswer = z.object({ ticket: value, expires_in: seconds });
const anything = z.object({});

/** Every credential from the interface that grants it. */
export function wechatSource(clients: { official: WechatClient; wecom: WechatClient }): CredentialSource {
  const clientOf = (app: App) => (app.kind === 'wecom' ? clients.wecom : clients.official);
  return {
    fetch: (request) =>
      request.name === 'access-token'
        ? fetchToken(clientOf(request.app), request)
        : fetchTicket(clientOf(request.app), { ...request, name: request.name }),

    async countCalls(app, accessToken) {
      return { accepted: await this.accepts(app, accessToken), calls: undefined };
    },

    /** docs/wechat.md#is-a-token-still-valid; WeCom has the same route. */
    async accepts(app, accessToken) {
      const call = {
        app,
        path: '/cgi-bin/get_api_domain_ip',
        query: { access_token: accessToken },
        calledWith: 'access-token',
        answer: anything,
      } as const;
      try {
        await clientOf(app).call(call);
        return true;
      } catch (error) {
        if (error instanceof SourceError && error.rejectedCredential === 'access-token') return false;
        throw error;
      }
    },
  };
}

async function fetchToken(client: WechatClient, request: TokenRequest): Promise<Grant> {
  const { access_token, expires_in } = await client.call({
    app: request.app,
    ...tokenRequest(request),
    calledWith: 'secret',
    answer: tokenAnswer,
  });
  return { value: access_token, expiresInSeconds: expires_in, upstreamCalls: 1 };
}

/** docs/wechat.md: "Classic token", "Stable token", "WeCom". */
function tokenRequest(request: TokenRequest): WechatRequest {
  const { secret } = request;
  if (!('tokenApi' in request)) {
    return { path: '/cgi-bin/gettoken', query: { corpid: request.app.corpId, corpsecret: secret } };
  }
  const application = { grant_type: 'client_credential', appid: request.app.appId, secret };
  return request.tokenApi === 'stable'
    ? { path: '/cgi-bin/stable_token', json: { ...application, force_refresh: request.force } }
    : { path: '/cgi-bin/token', query: application };
}

async function fetchTicket(client: WechatClient, { app, name, accessToken }: TicketRequest): Promise<Grant> {
  const { path, type } = ticketRoute(app, name);
  const { ticket, expires_in } = await client.call({
    app,
    path,
    query: { access_token: accessToken, ...(type && { type }) },
    calledWith: 'access-token',
    answer: ticketAnswer,
  });
  return { value: ticket, expiresInSeconds: expires_in, upstreamCalls: 1 };
}

/** `type` of `getticket`: docs/wechat.md#tickets. */
const getticketTypes = {
  'jsapi-ticket': 'jsapi',
  'wx-card-ticket': 'wx_card',
  'sdk-ticket': '2',
} as const satisfies Record<Exclude<TicketName, 'agent-config-ticket'>, string>;

/** docs/wechat.md: "Tickets", "WeCom". */
function ticketRoute(app: App, name: TicketName): { path: string; type?: string } {
  if (name === 'agent-config-ticket') return { path: '/cgi-bin/ticket/get', type: 'agent_config' };
  if (app.kind === 'wecom') return { path: '/cgi-bin/get_jsapi_ticket' };
  return { path: '/cgi-bin/ticket/getticket', type: getticketTypes[name] };
}
