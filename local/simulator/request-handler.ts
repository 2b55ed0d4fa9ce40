import {
  OfficialAccountError,
  type RequestMetadata,
  requestIdOf,
  WechatErrorResponse,
  withHint,
  withRequestId,
} from './error-responses.ts';
import { type Fault, FaultQueue, isExecuted } from './faults.ts';
import type { IssuePolicy } from './issued-values.ts';
import { mangle, type PlainAnswer, valueLengthOf } from './mangled-answers.ts';
import type { Accounts } from './official-account.ts';
import type { SimulatorState } from './state.ts';
import type { Corps } from './wecom.ts';

/** A request as a route sees it. */
export type RouteRequest = {
  readonly path: string;
  readonly query: URLSearchParams;
  /** The body, when it is a JSON object. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
};

export type WechatRequest = RouteRequest & {
  readonly method: string;
  /** The `Host` header. */
  readonly host: string;
};

/** What the caller receives. */
export type WechatResponse =
  | (PlainAnswer & {
      /** Real milliseconds to wait before it is sent. */
      readonly delayMs: number;
    })
  /** The connection is cut without an answer. */
  | 'connection-lost';

/** What a route works with; `now` is the same for the whole request. */
export type RequestContext = RequestMetadata & {
  readonly accounts: Accounts;
  readonly corps: Corps;
  readonly policy: IssuePolicy;
  /** A request of the last 7 days that was refused with this id. */
  refusedRequest(rid: string): RefusedRequest | undefined;
};

/** What `openapi/rid/get` knows. Unlike a `Call` it holds what the caller sent, secrets too. */
export type RefusedRequest = {
  readonly appId: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly costMs: number;
  readonly query: string;
  readonly body: string;
  readonly responseBody: string;
  readonly callerIp: string;
};

/** Whose call it is, as far as the request shows: by an id, or by a token, valid or not. */
export type Caller = {
  readonly appId?: string | undefined;
  readonly corpId?: string | undefined;
  readonly hasValidToken?: boolean;
};

export type Route = {
  readonly methods: readonly ('GET' | 'POST')[];
  readonly platform: 'official' | 'wecom' | 'both';
  /** For the log of calls; known even when the call is refused. */
  callerOf(request: RouteRequest, context: RequestContext): Caller;
  /** The body of the answer. @throws WechatErrorResponse when WeChat refuses */
  answer(request: RouteRequest, context: RequestContext): object;
};

/** Routes by path. */
export type Routes = Readonly<Record<string, Route>>;

/** One request to one of WeChat's routes. Never holds a secret or a token. */
export type Call = {
  /** The path, without repeated slashes. */
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
  /** Whether it reached WeChat: with that and without an `errcode` it was carried out, whatever became of the answer. */
  readonly executed: boolean;
  /** Why it was refused. */
  readonly errcode?: number;
};

/** What WeChat answers before anything happens to the answer. */
type JsonAnswer = { readonly body: object; readonly errcode?: number };

const REMEMBERED_MS = 7 * 24 * 3_600_000;
const REMEMBERED_REFUSALS = 10_000;

/** Every request comes through here: a fault may apply to it, its route answers it, and the call is logged. */
export class RequestHandler {
  readonly calls: Call[] = [];
  readonly faults = new FaultQueue();
  readonly #state: SimulatorState;
  readonly #routes: Routes;
  /** By their id, oldest first. */
  readonly #refused = new Map<string, RefusedRequest>();
  #serial = 0;

  constructor(state: SimulatorState, routes: Routes) {
    this.#state = state;
    this.#routes = routes;
  }

  handle(incoming: WechatRequest): WechatResponse {
    // SDKs build URLs with a slash too many, and WeChat does not mind (docs/wechat.md#tickets).
    const request = { ...incoming, path: incoming.path.replace(/\/{2,}/g, '/') };
    this.#serial += 1;
    const { accounts, corps, callerIp, clock, policy } = this.#state;
    const now = clock.now();
    const refusedRequest = (rid: string) => this.#refusedRequest(rid, now);
    const context = { accounts, corps, callerIp, policy, now, serial: this.#serial, refusedRequest };
    const route = Object.hasOwn(this.#routes, request.path) ? this.#routes[request.path] : undefined;
    const caller = route?.callerOf(request, context) ?? {};
    const isWecom = route?.platform === 'wecom' || caller.corpId !== undefined;
    const { hasValidToken = false } = caller;
    const fault = this.faults.take({ route: request.path, host: request.host, hasValidToken });

    const executed = !fault || isExecuted(fault);
    const answer = executed
      ? answerOf(route, request, lengthened(context, fault))
      : refusalBy(fault, context, isWecom);
    this.#state.save();
    this.#log(request, caller, { executed, fault, errcode: answer?.errcode, at: now });
    if (answer?.errcode !== undefined && !isWecom) {
      const { query, json } = request;
      this.#remember(context, {
        appId: caller.appId,
        at: now,
        costMs: delayOf(fault),
        query: query.toString(),
        body: json ? JSON.stringify(json) : '',
        responseBody: JSON.stringify(answer.body),
        callerIp,
      });
    }
    return responseTo(answer, fault, context.serial);
  }

  #log(
    { path: route, method, host }: WechatRequest,
    { appId, corpId }: Caller,
    facts: { executed: boolean; fault: Fault | undefined; errcode: number | undefined; at: number },
  ): void {
    const { executed, fault, errcode, at } = facts;
    const ownOutcome = errcode === undefined ? 'ok' : 'refused';
    this.calls.push({
      route,
      method,
      host,
      ...(appId !== undefined && { appId }),
      ...(corpId !== undefined && { corpId }),
      at,
      outcome: fault && fault.kind !== 'delay' ? fault.kind : ownOutcome,
      executed,
      ...(errcode !== undefined && { errcode }),
    });
  }

  #remember(metadata: RequestMetadata, refused: RefusedRequest): void {
    for (const [rid, { at }] of this.#refused) {
      if (refused.at - at < REMEMBERED_MS && this.#refused.size < REMEMBERED_REFUSALS) break;
      this.#refused.delete(rid);
    }
    this.#refused.set(requestIdOf(metadata), refused);
  }

  #refusedRequest(rid: string, now: number): RefusedRequest | undefined {
    const refused = this.#refused.get(rid);
    return refused && now - refused.at < REMEMBERED_MS ? refused : undefined;
  }
}

/** The context for a call whose answer holds a longer value than usual. */
function lengthened(context: RequestContext, fault: Fault | undefined): RequestContext {
  const minLength = fault?.kind === 'mangled' ? valueLengthOf(fault.form) : undefined;
  return minLength === undefined ? context : { ...context, policy: { ...context.policy, minLength } };
}

function answerOf(route: Route | undefined, request: WechatRequest, context: RequestContext): JsonAnswer {
  try {
    if (!route) throw new OfficialAccountError(40066);
    if (!route.methods.some((method) => method === request.method)) {
      throw new OfficialAccountError(route.methods.includes('GET') ? 43001 : 43002);
    }
    return { body: route.answer(request, context) };
  } catch (error) {
    if (!(error instanceof WechatErrorResponse)) throw error;
    return refusal(error.errcode, error.errmsg(context));
  }
}

/** The refusal with which a fault keeps the request from WeChat; undefined when it has another answer, or none. */
function refusalBy(fault: Fault | undefined, request: RequestMetadata, isWecom: boolean) {
  const word = isWecom ? withHint : withRequestId;
  if (fault?.kind === 'errcode') {
    const { errcode, errmsg } = fault;
    return refusal(errcode, word(errcode, errmsg, request));
  }
  if (fault?.kind === 'flapping') {
    return refusal(40001, word(40001, new OfficialAccountError(40001).message, request));
  }
  return undefined;
}

function refusal(errcode: number, errmsg: string): JsonAnswer {
  return { body: { errcode, errmsg }, errcode };
}

const contentTypes = ['application/json; encoding=utf-8', 'text/plain'];

/** What the caller receives, after the fault has done to the answer what it does. */
function responseTo(
  answer: JsonAnswer | undefined,
  fault: Fault | undefined,
  serial: number,
): WechatResponse {
  // The content types that WeChat is known to use, in turn (docs/wechat.md#transport).
  const contentType = contentTypes[serial % contentTypes.length] ?? 'text/plain';
  switch (fault?.kind) {
    case 'http-status':
      return page(fault.status, `<html><body>${fault.status}</body></html>`);
    case 'empty-body':
      return page(200, '');
    case 'not-json':
      return page(200, '<html><body>The service is unavailable.</body></html>');
    case 'drop-before':
    case 'drop-after':
    case 'outage':
      return 'connection-lost';
    case 'body':
      return givenBody(fault, contentType);
    case 'mangled': {
      const mangled = mangle(fault.form, { ...answer?.body }, contentType);
      return { ...mangled, status: fault.status ?? mangled.status, delayMs: 0 };
    }
    default: {
      const body = Buffer.from(JSON.stringify(answer?.body));
      return { status: 200, headers: { 'content-type': contentType }, body, delayMs: delayOf(fault) };
    }
  }
}

function delayOf(fault: Fault | undefined): number {
  return fault?.kind === 'delay' ? fault.ms : 0;
}

function givenBody(fault: Extract<Fault, { kind: 'body' }>, contentType: string): WechatResponse {
  const { status = 200, body, contentEncoding } = fault;
  return {
    status,
    headers: {
      'content-type': fault.contentType ?? contentType,
      ...(contentEncoding !== undefined && { 'content-encoding': contentEncoding }),
    },
    body: typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.base64, 'base64'),
    delayMs: 0,
  };
}

/** A page instead of JSON, as gateways and firewalls in front of WeChat send it (docs/wechat.md#transport). */
function page(status: number, text: string): WechatResponse {
  return { status, headers: { 'content-type': 'text/html' }, body: Buffer.from(text), delayMs: 0 };
}
