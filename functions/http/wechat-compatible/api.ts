import type { App } from '../../core/credential.ts';
import type { Clock, RecordStore } from '../../core/ports.ts';
import type { Authenticator } from '../authenticator.ts';
import { json, type ReadRequest, type ReadResponse } from '../http-types.ts';
import type { RecordCache } from '../record-cache.ts';
import { errorResponse, WechatApiError } from './errors.ts';
import { ticket, wecomAgentTicket, wecomJsapiTicket } from './ticket-routes.ts';
import { TokenIndex } from './token-index.ts';
import { type RouteContext, stableToken, token, wecomToken } from './token-routes.ts';

type Route = {
  readonly method: 'GET' | 'POST';
  readonly answer: (request: ReadRequest, context: RouteContext) => Promise<object>;
};

const routes: Readonly<Record<string, Route>> = {
  '/cgi-bin/token': { method: 'GET', answer: token },
  '/cgi-bin/stable_token': { method: 'POST', answer: stableToken },
  '/cgi-bin/ticket/getticket': { method: 'GET', answer: ticket },
  '/cgi-bin/gettoken': { method: 'GET', answer: wecomToken },
  '/cgi-bin/get_jsapi_ticket': { method: 'GET', answer: wecomJsapiTicket },
  '/cgi-bin/ticket/get': { method: 'GET', answer: wecomAgentTicket },
};

export function isCompatible(path: string): boolean {
  return path.startsWith('/cgi-bin/');
}

/**
 * WeChat's own routes and shapes, for an unmodified SDK whose base URL points here (docs/wechat.md). Every answer is
 * HTTP 200, errors too. What a query holds beside the known parameters is ignored, as WeChat does.
 */
export function compatibleApi(parts: {
  apps: readonly App[];
  authenticator: Authenticator;
  cache: RecordCache;
  cacheMs: number;
  store: Pick<RecordStore, 'read'>;
  clock: Clock;
  refreshAfterMs: number;
}): (request: ReadRequest) => Promise<ReadResponse> {
  const { apps, authenticator, cache, refreshAfterMs } = parts;
  const tokens = new TokenIndex(apps, parts.store, parts.cacheMs, parts.clock);
  const context = { apps, authenticator, cache, refreshAfterMs, tokens };

  return async (request) => {
    try {
      const route = Object.hasOwn(routes, request.path) ? routes[request.path] : undefined;
      if (!route) throw new WechatApiError(40066, 'tokens and tickets only; send this call to WeChat');
      if (request.method !== route.method) throw new WechatApiError(route.method === 'GET' ? 43001 : 43002);
      return json(200, await route.answer(request, context));
    } catch (error) {
      return errorResponse(error instanceof WechatApiError ? error : unreachable(error));
    }
  };
}

/** Only the error's name goes out; the table is the one thing that can fail here. */
function unreachable(error: unknown): WechatApiError {
  return new WechatApiError(
    -1,
    `the table did not answer (${error instanceof Error ? error.name : 'unknown error'})`,
  );
}
