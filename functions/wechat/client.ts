import { Agent } from 'undici';
import type * as z from 'zod';
import { SourceError } from '../core/errors.ts';
import { attemptOnce, Retryable, type WechatRequest } from './attempt.ts';
import { type CalledWith, wechatError } from './errors.ts';

const CONNECT_TIMEOUT_MS = 3_000;
/** A host that accepts and then is silent leaves the next one its time. */
const TRY_TIMEOUT_MS = 5_000;
const CALL_TIMEOUT_MS = 8_000;
const MAX_TRIES = 4;
const RETRY_BASE_MS = 250;
/** WeChat's answers are a few hundred bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

export type WechatCall<T> = WechatRequest & {
  readonly app: { readonly name: string; readonly appId: string };
  readonly calledWith: CalledWith;
  /** Fields that the answer must have; others are ignored. */
  readonly answer: z.ZodType<T>;
};

export type WechatClient = {
  /** One call, with its retries; at most 8 s in all. Throws `SourceError`. */
  call<T>(call: WechatCall<T>): Promise<T>;
  close(): Promise<void>;
};

/** What the waits between tries are made of. */
export type Pauses = {
  /** In [0, 1), for the jitter. */
  random(): number;
  sleep(ms: number): Promise<void>;
};

/**
 * Talks to WeChat's servers.
 *
 * The loop is our own, not undici's RetryAgent: most of what WeChat wants retried comes as a 200 (errcode -1, an
 * empty or non-JSON body), and a host that cannot be reached is followed by the next one, not by itself.
 *
 * @param hosts base URLs, the preferred one first (WECHAT.md, Transport)
 */
export function wechatClient(hosts: readonly string[], pauses: Pauses): WechatClient {
  const dispatcher = new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS },
    // No connection is kept: Lambda freezes between ticks, and a call on one that died meanwhile looks like a lost answer.
    pipelining: 0,
    maxResponseSize: MAX_ANSWER_BYTES,
  });

  async function call<T>(order: WechatCall<T>): Promise<T> {
    const deadline = AbortSignal.timeout(CALL_TIMEOUT_MS);
    let mayHaveRun = false;
    let last = new Retryable('no-answer', 'no answer', { mayHaveRun: false });
    let host = 0;
    for (let tries = 0; tries < MAX_TRIES && !deadline.aborted; tries++) {
      if (tries > 0) await pauses.sleep(pauseMs(tries, pauses.random()));
      const signal = AbortSignal.any([deadline, AbortSignal.timeout(TRY_TIMEOUT_MS)]);
      try {
        const outcome = await attemptOnce(hosts[host % hosts.length] ?? '', order, dispatcher, signal);
        if ('granted' in outcome) return outcome.granted;
        throw wechatError(order.app, outcome.refused, order.calledWith, mayHaveRun);
      } catch (error) {
        if (!(error instanceof Retryable)) throw error;
        last = error;
        mayHaveRun ||= error.mayHaveRun;
        if (error.hostInDoubt) host += 1;
      }
    }
    throw new SourceError(
      `WeChat could not be asked for app '${order.app.name}': ${last.message}. The next tick tries again.`,
      { code: last.code, kind: 'transient', mayHaveRotated: mayHaveRun },
    );
  }

  return { call, close: () => dispatcher.close() };
}

/** 125 to 250 ms before the second try, and twice as long before each one after it. */
function pauseMs(tries: number, random: number): number {
  return RETRY_BASE_MS * 2 ** (tries - 1) * (0.5 + random / 2);
}
