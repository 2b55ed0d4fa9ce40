import type { App, TicketName, WechatApp } from '../core/credential.ts';
import { SourceError } from '../core/errors.ts';
import type {
  CredentialSource,
  DailyCalls,
  Grant,
  TicketRequest,
  TokenCount,
  TokenRequest,
} from '../core/ports.ts';
import { countAnswer, type GrantedValue, probeAnswer, ticketAnswer, tokenAnswer } from './answers.ts';
import type { WechatRequest } from './attempt.ts';
import type { Answered, WechatClient } from './client.ts';
import { isRefusal } from './error-codes.ts';

/** Every credential from the interface that grants it. */
export function wechatSource(clients: { official: WechatClient; wecom: WechatClient }): CredentialSource {
  const clientOf = (app: App) => (app.kind === 'wecom' ? clients.wecom : clients.official);
  const accepts = (app: App, accessToken: string) => acceptsToken(clientOf(app), app, accessToken);
  return {
    fetch: (request) =>
      request.name === 'access-token'
        ? fetchToken(clientOf(request.app), request)
        : fetchTicket(clientOf(request.app), { ...request, name: request.name }),

    accepts,

    async countCalls(app, accessToken): Promise<TokenCount> {
      try {
        const calls = await countCalls(clients.official, app, accessToken, '/cgi-bin/token');
        return { accepted: true, calls };
      } catch (error) {
        if (rejectsToken(error)) return { accepted: false };
        // That the count is refused, or cannot be had, says nothing about the token.
        if (!(error instanceof SourceError)) throw error;
        const accepted = await accepts(app, accessToken);
        if (!accepted) return { accepted };
        // Not every account has a count: then there is none for the day.
        return { accepted, calls: undefined, ...(!isRefusal(error) && { countFailed: true }) };
      }
    },
  };
}

async function fetchToken(client: WechatClient, request: TokenRequest): Promise<Grant> {
  return grantOf(
    await client.call({
      app: request.app,
      ...tokenRequest(request),
      calledWith: 'secret',
      answer: tokenAnswer,
    }),
  );
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
  return grantOf(
    await client.call({
      app,
      path,
      query: { access_token: accessToken, ...(type && { type }) },
      calledWith: 'access-token',
      answer: ticketAnswer,
    }),
  );
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

function grantOf({ answer, upstreamCalls }: Answered<GrantedValue>): Grant {
  return { ...answer, upstreamCalls };
}

/** docs/wechat.md#is-a-token-still-valid; WeCom has the same route. */
async function acceptsToken(client: WechatClient, app: App, accessToken: string): Promise<boolean> {
  try {
    await client.call({
      app,
      path: '/cgi-bin/get_api_domain_ip',
      query: { access_token: accessToken },
      calledWith: 'access-token',
      answer: probeAnswer,
    });
    return true;
  } catch (error) {
    if (rejectsToken(error)) return false;
    throw error;
  }
}

/**
 * Every client's calls of one interface on this day: docs/wechat.md#is-a-token-still-valid. Throws `SourceError`.
 *
 * @param path the interface, with its leading slash
 */
export async function countCalls(
  client: WechatClient,
  app: WechatApp,
  accessToken: string,
  path: string,
): Promise<DailyCalls> {
  const { answer } = await client.call({
    app,
    path: '/cgi-bin/openapi/quota/get',
    query: { access_token: accessToken },
    json: { cgi_path: path },
    calledWith: 'access-token',
    answer: countAnswer,
  });
  return answer;
}

function rejectsToken(error: unknown): boolean {
  return error instanceof SourceError && error.rejectedCredential === 'access-token';
}
