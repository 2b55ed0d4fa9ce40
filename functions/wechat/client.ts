import type * as z from 'zod';
import type { App } from '../core/credential.ts';
import { SourceError } from '../core/errors.ts';
import { RetryableError, sendOnce, type WechatRequest } from './attempt.ts';
import type { EgressDispatcher } from './egress.ts';
import { type CalledWith, type ErrorCodeTable, toSourceError } from './error-codes.ts';
import { HostFailover } from './host-failover.ts';

/** A host that accepts and then is silent leaves the next one its time. */
const TRY_TIMEOUT_MS = 5_000;
const CALL_TIMEOUT_MS = 8_000;
const MAX_ATTEMPTS = 4;
const RETRY_BASE_MS = 250;

export type WechatCall<T> = WechatRequest & {
  readonly app: App;
  readonly calledWith: CalledWith;
  /** Fields that the answer must have; others are ignored. */
  readonly answer: z.ZodType<T>;
};

export type WechatClient = {
  /** One call, with its retries; at most 8 s in all. Throws `SourceError`. */
  call<T>(call: WechatCall<T>): Promise<T>;
};

/** Time and chance, as the tries use them. */
export type RetryTiming = {
  /** Epoch ms. */
  now(): number;
  /** In [0, 1), for the jitter. */
  random(): number;
  sleep(ms: number): Promise<void>;
};

/** Whose servers they are: base URLs, the preferred one first, and what their refusals mean. */
export type Platform = { readonly hosts: readonly string[]; readonly errorCodes: ErrorCodeTable };

/**
 * Talks to WeChat's servers.
 *
 * The loop is our own, not undici's RetryAgent: most of what WeChat wants retried comes as a 200 (errcode -1, an
 * empty or non-JSON body), and a host that cannot be reached is followed by the next one, not by itself.
 *
 * @param onTry told of how long each try took, whatever came of it
 */
export function wechatClient(
  platform: Platform,
  egress: EgressDispatcher,
  pauses: RetryTiming,
  onAttempt: (latencyMs: number) => void,
): WechatClient {
  const hosts = new HostFailover(platform.hosts);

  async function call<T>(order: WechatCall<T>): Promise<T> {
    const deadline = AbortSignal.timeout(CALL_TIMEOUT_MS);
    let mayHaveExecuted = false;
    let last = new RetryableError('no-answer', 'no answer', { mayHaveExecuted: false });
    let host = hosts.first(pauses.now());
    for (let tries = 0; tries < MAX_ATTEMPTS && !deadline.aborted; tries++) {
      if (tries > 0) await pauses.sleep(pauseMs(tries, pauses.random()));
      const signal = AbortSignal.any([deadline, AbortSignal.timeout(TRY_TIMEOUT_MS)]);
      const startedAt = performance.now();
      try {
        const outcome = await sendOnce(host, order, await egress.to(host), signal);
        hosts.answered(host);
        if ('granted' in outcome) return outcome.granted;
        throw toSourceError(
          order.app,
          outcome.refused,
          order.calledWith,
          mayHaveExecuted,
          platform.errorCodes,
        );
      } catch (error) {
        if (!(error instanceof RetryableError)) throw error;
        last = error;
        mayHaveExecuted ||= error.mayHaveExecuted;
        if (error.tryNextHost) host = hosts.after(host, pauses.now());
      } finally {
        onAttempt(performance.now() - startedAt);
      }
    }
    throw new SourceError(
      `WeChat could not be asked for app '${order.app.name}': ${last.message}. The next tick tries again.`,
      { code: last.code, kind: 'transient', mayHaveRotated: mayHaveExecuted },
    );
  }

  return { call };
}

/** 125 to 250 ms before the second try, and twice as long before each one after it. */
function pauseMs(tries: number, random: number): number {
  return RETRY_BASE_MS * 2 ** (tries - 1) * (0.5 + random / 2);
}
