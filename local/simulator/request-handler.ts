import {
  OfficialAccountError,
  type RequestMetadata,
  WechatErrorResponse,
  withRequestId,
} from './error-responses.ts';
import { type EarlyFault, type Fault, FaultQueue, isEarly } from './faults.ts';
import type { IssuePolicy } from './issued-values.ts';
import type { Accounts } from './official-account.ts';
import type { SimulatorState } from './state.ts';
import type { Corps } from './wecom.ts';

/** A request as a route sees it. */
export type RouteRequest = {
  readonly query: URLSearchParams;
  /** The body, when it is a JSON object. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
};

export type WechatRequest = RouteRequest & {
  readonly method: string;
  readonly path: string;
  /** The `Host` header. */
  readonly host: string;
};

/** What the caller receives. */
export type WechatResponse =
  | {
      readonly status: number;
      readonly contentType: string;
      readonly body: string;
      /** Real milliseconds to wait before it is sent. */
      readonly delayMs: number;
    }
  /** The connection is cut without an answer. */
  | 'connection-lost';

/** What a route works with; `now` is the same for the whole request. */
export type RequestContext = RequestMetadata & {
  readonly accounts: Accounts;
  readonly corps: Corps;
  readonly policy: IssuePolicy;
};

/** Whose call it is, as far as the request shows: by an id, or by a token, valid or not. */
export type Caller = {
  readonly appId?: string | undefined;
  readonly corpId?: string | undefined;
};

export type Route = {
  readonly method: 'GET' | 'POST';
  /** For the log of calls; known even when the call is refused. */
  callerOf(request: RouteRequest, context: RequestContext): Caller;
  /** The body of the answer. @throws WechatErrorResponse when WeChat refuses */
  answer(request: RouteRequest, context: RequestContext): object;
};

/** Routes by path. */
export type Routes = Readonly<Record<string, Route>>;

/** One request to one of WeChat's routes. Never holds a secret or a token. */
export type Call = {
  readonly route: string;
  readonly method: string;
  /** The `Host` header. */
  readonly host: string;
  /** The account it was for, as far as the request shows. */
  readonly appId?: string;
  /** The same for a WeCom call. */
  readonly corpId?: string;
  /** Epoch milliseconds of the simulator's clock. */
  readonly at: number;
  /** `ok` or `refused` by WeChat, or the fault that applied. A delayed call has WeChat's own outcome. */
  readonly outcome: 'ok' | 'refused' | Exclude<Fault['kind'], 'delay'>;
  /** Why it was refused. */
  readonly errcode?: number;
};

/** Every request comes through here: a fault may apply to it, its route answers it, and the call is logged. */
export class RequestHandler {
  readonly calls: Call[] = [];
  readonly faults = new FaultQueue();
  readonly #state: SimulatorState;
  readonly #routes: Routes;
  #serial = 0;

  constructor(state: SimulatorState, routes: Routes) {
    this.#state = state;
    this.#routes = routes;
  }

  handle(request: WechatRequest): WechatResponse {
    this.#serial += 1;
    const { accounts, corps, callerIp, clock, policy } = this.#state;
    const context = { accounts, corps, callerIp, policy, now: clock.now(), serial: this.#serial };
    const route = Object.hasOwn(this.#routes, request.path) ? this.#routes[request.path] : undefined;
    const { appId, corpId } = route?.callerOf(request, context) ?? {};
    const log = (outcome: Call['outcome'], errcode?: number) =>
      this.calls.push({
        route: request.path,
        method: request.method,
        host: request.host,
        ...(appId !== undefined && { appId }),
        ...(corpId !== undefined && { corpId }),
        at: context.now,
        outcome,
        ...(errcode !== undefined && { errcode }),
      });

    const fault = this.faults.take(request.path, request.host);
    if (isEarly(fault)) {
      log(fault.kind);
      return faultResponse(fault, context);
    }
    const { body, errcode } = answerOf(route, request, context);
    this.#state.save();
    if (fault?.kind === 'drop-after') {
      log(fault.kind);
      return 'connection-lost';
    }
    log(errcode === undefined ? 'ok' : 'refused', errcode);
    return jsonResponse(body, context.serial, fault?.ms ?? 0);
  }
}

function answerOf(
  route: Route | undefined,
  request: WechatRequest,
  context: RequestContext,
): { body: object; errcode?: number } {
  try {
    if (!route) throw new OfficialAccountError(40066);
    if (request.method !== route.method)
      throw new OfficialAccountError(route.method === 'GET' ? 43001 : 43002);
    return { body: route.answer(request, context) };
  } catch (error) {
    if (!(error instanceof WechatErrorResponse)) throw error;
    const { errcode } = error;
    return { body: { errcode, errmsg: error.errmsg(context) }, errcode };
  }
}

function faultResponse(fault: EarlyFault, request: RequestMetadata): WechatResponse {
  switch (fault.kind) {
    case 'http-status':
      return htmlResponse(fault.status, `<html><body>${fault.status}</body></html>`);
    case 'empty-body':
      return htmlResponse(200, '');
    case 'not-json':
      return htmlResponse(200, '<html><body>The service is unavailable.</body></html>');
    case 'errcode': {
      const { errcode, errmsg } = fault;
      return jsonResponse({ errcode, errmsg: withRequestId(errcode, errmsg, request) }, request.serial, 0);
    }
    case 'drop-before':
    case 'outage':
      return 'connection-lost';
  }
}

const contentTypes = ['application/json; encoding=utf-8', 'text/plain'];

/** WeChat's JSON, under the content types that it is known to use, in turn (docs/wechat.md#transport). */
function jsonResponse(body: object, serial: number, delayMs: number): WechatResponse {
  const contentType = contentTypes[serial % contentTypes.length] ?? 'text/plain';
  return { status: 200, contentType, body: JSON.stringify(body), delayMs };
}

/** A page instead of JSON, as gateways and firewalls in front of WeChat send it (docs/wechat.md#transport). */
function htmlResponse(status: number, body: string): WechatResponse {
  return { status, contentType: 'text/html', body, delayMs: 0 };
}
