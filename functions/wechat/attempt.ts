import { request } from 'undici';
import * as z from 'zod';
import type { EgressRoute } from './egress.ts';
import { urlOf } from './hosts.ts';

/** One request to one host, without its retries. */
export type WechatRequest = {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Makes the call a POST. */
  readonly json?: Readonly<Record<string, unknown>>;
};

/** WeChat's own words for a refusal. */
export type WechatErrorResponse = { readonly errcode: number; readonly errmsg: string };

/** A fault that another try may get past. */
export class RetryableError extends Error {
  readonly code: string;
  /** WeChat may have carried the call out although we have no answer. */
  readonly mayHaveExecuted: boolean;
  /** The fault may be the host's own: the next try goes to the next one. */
  readonly tryNextHost: boolean;

  constructor(code: string, message: string, facts: { mayHaveExecuted: boolean; tryNextHost?: boolean }) {
    super(message);
    this.code = code;
    this.mayHaveExecuted = facts.mayHaveExecuted;
    this.tryNextHost = facts.tryNextHost ?? false;
  }
}

/** Codes with which a connection was never made, so that WeChat cannot have carried out the call. */
const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_PRX_CONN',
  'UND_ERR_PRX_TLS',
]);
/** undici's words for a proxy that does not open the tunnel; it has no code of its own. */
const NO_TUNNEL = /^Proxy response \((\d{3})\)/;

const errorResponse = z.object({ errcode: z.number(), errmsg: z.string().default('') });

/** The fields asked for, or WeChat's refusal. */
export type Outcome<T> = { readonly granted: T } | { readonly errorResponse: WechatErrorResponse };

/**
 * Sends one request and reads its answer.
 *
 * @throws RetryableError when there is none: no connection, a 5xx, an empty body, no JSON, errcode -1
 */
export async function sendOnce<T>(
  host: string,
  call: WechatRequest & { readonly answer: z.ZodType<T> },
  route: EgressRoute,
  signal: AbortSignal,
): Promise<Outcome<T>> {
  return readAnswer(await send(host, call, route, signal), call.answer);
}

/**
 * Reads the body of a 200. Success may lack `errcode`, or have 0.
 *
 * @throws RetryableError for what is neither success nor refusal
 */
export function readAnswer<T>(text: string, expected: z.ZodType<T>): Outcome<T> {
  const body = parse(text);
  const error = errorResponse.safeParse(body);
  if (error.success && error.data.errcode === -1) {
    throw new RetryableError('-1', 'WeChat is busy (-1)', { mayHaveExecuted: false });
  }
  if (error.success && error.data.errcode !== 0) return { errorResponse: error.data };
  const answer = expected.safeParse(body);
  if (answer.success) return { granted: answer.data };
  const fields = answer.error.issues.map(({ path }) => path.join('.') || 'body').join(', ');
  throw new RetryableError('bad-answer', `its answer lacks what was asked for (${fields})`, {
    mayHaveExecuted: true,
  });
}

async function send(
  host: string,
  { path, query, json }: WechatRequest,
  route: EgressRoute,
  signal: AbortSignal,
): Promise<string> {
  const url = urlOf(host, path);
  url.search = new URLSearchParams(query).toString();
  try {
    const { statusCode, body } = await request(url, {
      dispatcher: route.dispatcher,
      signal,
      ...(json && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(json),
      }),
    });
    const text = await body.text();
    if (statusCode === 200) return text;
    throw new RetryableError(`http-${statusCode}`, `${url.host} answered HTTP ${statusCode}`, {
      mayHaveExecuted: true,
      tryNextHost: statusCode >= 500,
    });
  } catch (error) {
    throw error instanceof RetryableError ? error : unreachable(error, url.host, route, signal);
  }
}

/** Only the code and the host: the message of a failed request may quote its URL, and the URL holds the secret. */
function unreachable(error: unknown, host: string, route: EgressRoute, signal: AbortSignal): RetryableError {
  if (signal.aborted) {
    return new RetryableError('timeout', `no answer from ${host} in time`, {
      mayHaveExecuted: true,
      tryNextHost: true,
    });
  }
  const tunnel = error instanceof Error ? NO_TUNNEL.exec(error.message)?.[1] : undefined;
  if (tunnel !== undefined) {
    const remedy = tunnel === '407' ? '; correct the user and password in its URL' : '';
    return new RetryableError(`proxy-${tunnel}`, `the proxy answered ${tunnel} to CONNECT ${host}${remedy}`, {
      mayHaveExecuted: false,
      tryNextHost: true,
    });
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'network';
  const through = route.throughProxy ? ' through the proxy' : '';
  return new RetryableError(code, `${host} could not be reached${through} (${code})`, {
    mayHaveExecuted: !NEVER_CONNECTED.has(code),
    tryNextHost: true,
  });
}

function parse(text: string): unknown {
  if (text.trim() === '')
    throw new RetryableError('empty-body', 'its answer was empty', { mayHaveExecuted: true });
  try {
    return JSON.parse(text);
  } catch {
    throw new RetryableError('not-json', 'its answer was not JSON', { mayHaveExecuted: true });
  }
}
