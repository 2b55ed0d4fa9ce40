import { Agent, request } from 'undici';
import * as z from 'zod';
import { SourceError } from '../core/errors.ts';
import { type CalledWith, wechatError } from './errors.ts';

const CONNECT_TIMEOUT_MS = 3_000;
const CALL_TIMEOUT_MS = 8_000;
const MAX_TRIES = 4;
/** WeChat's answers are a few hundred bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;
const RETRY_BASE_MS = 250;

/** Codes with which a connection was never made, so that WeChat cannot have carried out the call. */
const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const refusal = z.object({ errcode: z.number(), errmsg: z.string().default('') });

export type WechatCall<T> = {
  readonly app: { readonly name: string; readonly appId: string };
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Makes the call a POST. */
  readonly json?: Readonly<Record<string, unknown>>;
  readonly calledWith: CalledWith;
  /** Fields that the answer must have; others are ignored. */
  readonly answer: z.ZodType<T>;
};

export type WechatClient = {
  /** One call, with its retries; at most 8 s in all. Throws `SourceError`. */
  call<T>(call: WechatCall<T>): Promise<T>;
  close(): Promise<void>;
};

export type Pauses = {
  /** In [0, 1), for the jitter. */
  random(): number;
  sleep(ms: number): Promise<void>;
};

/** A fault that another try may get past. */
class Retryable extends Error {
  readonly code: string;
  /** WeChat may have carried the call out although we have no answer. */
  readonly mayHaveRun: boolean;
  /** The host itself is in doubt: the next try goes to the next one. */
  readonly hostInDoubt: boolean;

  constructor(code: string, message: string, facts: { mayHaveRun: boolean; hostInDoubt?: boolean }) {
    super(message);
    this.code = code;
    this.mayHaveRun = facts.mayHaveRun;
    this.hostInDoubt = facts.hostInDoubt ?? false;
  }
}

/**
 * Talks to WeChat's servers.
 *
 * The loop is our own, not undici's RetryAgent: most of what WeChat wants retried comes as a 200 (errcode -1, an
 * empty or non-JSON body), and a host that cannot be reached is followed by the next one, not by itself.
 *
 * @param hosts base URLs, the preferred one first (WECHAT.md, Transport)
 * @param pauses what the waits between tries are made of
 */
export function wechatClient(hosts: readonly string[], pauses: Pauses): WechatClient {
  const dispatcher = new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS },
    // No connection is kept: Lambda freezes between ticks, and a call on one that died meanwhile looks like a lost answer.
    pipelining: 0,
    maxResponseSize: MAX_ANSWER_BYTES,
  });

  async function call<T>(order: WechatCall<T>): Promise<T> {
    const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
    let mayHaveRun = false;
    let last = new Retryable('no-answer', 'no answer', { mayHaveRun: false });
    let host = 0;
    for (let tries = 0; tries < MAX_TRIES && !signal.aborted; tries++) {
      if (tries > 0) await pauses.sleep(pauseMs(tries, pauses.random()));
      try {
        return await once(hosts[host % hosts.length] ?? '', order, dispatcher, signal);
      } catch (error) {
        if (!(error instanceof Retryable)) throw error;
        last = error;
        mayHaveRun ||= error.mayHaveRun;
        if (error.hostInDoubt) host += 1;
      }
    }
    throw new SourceError(
      `WeChat could not be asked for app '${order.app.name}': ${last.message}. The next tick tries again.`,
      {
        code: last.code,
        kind: 'transient',
        mayHaveRotated: mayHaveRun,
      },
    );
  }

  return { call, close: () => dispatcher.close() };
}

/** 125 to 250 ms before the second try, and twice as long before each one after it. */
function pauseMs(tries: number, random: number): number {
  return RETRY_BASE_MS * 2 ** (tries - 1) * (0.5 + random / 2);
}

async function once<T>(
  host: string,
  order: WechatCall<T>,
  dispatcher: Agent,
  signal: AbortSignal,
): Promise<T> {
  const text = await send(host, order, dispatcher, signal);
  const body = parse(text);
  const refused = refusal.safeParse(body);
  if (refused.success && refused.data.errcode !== 0) {
    const { errcode, errmsg } = refused.data;
    if (errcode === -1) throw new Retryable('-1', 'WeChat is busy (-1)', { mayHaveRun: false });
    throw wechatError(order.app, errcode, errmsg, order.calledWith);
  }
  const answer = order.answer.safeParse(body);
  if (answer.success) return answer.data;
  const fields = answer.error.issues.map(({ path }) => path.join('.') || 'body').join(', ');
  throw new Retryable('bad-answer', `its answer lacks what was asked for (${fields})`, { mayHaveRun: true });
}

async function send(
  host: string,
  { path, query, json }: WechatCall<unknown>,
  dispatcher: Agent,
  signal: AbortSignal,
): Promise<string> {
  const url = new URL(path, host);
  url.search = new URLSearchParams(query).toString();
  try {
    const { statusCode, body } = await request(url, {
      dispatcher,
      signal,
      ...(json && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(json),
      }),
    });
    const text = await body.text();
    if (statusCode !== 200)
      throw new Retryable(`http-${statusCode}`, `it answered HTTP ${statusCode}`, { mayHaveRun: true });
    return text;
  } catch (error) {
    if (error instanceof Retryable) throw error;
    throw unreachable(error, url.host, signal);
  }
}

/** Only the code and the host: the message of a failed request may quote its URL, and the URL holds the secret. */
function unreachable(error: unknown, host: string, signal: AbortSignal): Retryable {
  if (signal.aborted) {
    return new Retryable('timeout', `no answer from ${host} within 8 s`, { mayHaveRun: true });
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'network';
  return new Retryable(code, `${host} could not be reached (${code})`, {
    mayHaveRun: !NEVER_CONNECTED.has(code),
    hostInDoubt: true,
  });
}

function parse(text: string): unknown {
  if (text.trim() === '') throw new Retryable('empty-body', 'its answer was empty', { mayHaveRun: true });
  try {
    return JSON.parse(text);
  } catch {
    throw new Retryable('not-json', 'its answer was not JSON', { mayHaveRun: true });
  }
}
