import type * as z from 'zod';
import type { App } from '../core/credential.ts';
import { SourceError } from '../core/errors.ts';
import { RetryableError, sendOnce, type WechatRequest } from './attempt.ts';
import type { EgressDispatcher } from './egress.ts';
import { type CalledWith, type ErrorCodeTable, toSourceError } from './error-codes.ts';
import { HostFailover } from './host-failover.ts';
import { hostsOf } from './hosts.ts';

/** A host that accepts and then is silent leaves the next one its time. */
const ATTEMPT_TIMEOUT_MS = 5_000;
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

/** Time and randomness between attempts. */
export type RetryTiming = {
  /** Epoch ms. */
  now(): number;
  /** In [0, 1), for the jitter. */
  random(): number;
  sleep(ms: number): Promise<void>;
};

/** One of WeChat's platforms: its base URLs, the preferred one first, and what its error codes mean. */
export type Platform = { readonly hosts: readonly string[]; readonly errorCodes: ErrorCodeTable };

/**
 * Talks to WeChat's servers.
 *
 * The loop is our own, not undici's RetryAgent: most of what WeChat wants retried comes as a 200 (errcode -1, an
 * empty or non-JSON body), and a host that cannot be reached is followed by the next one, not by itself.
 *
 * @param onAttempt called with how long each attempt took, whatever came of it
 */
export function wechatClient(
  platform: Platform,
  egress: EgressDispatcher,
  timing: RetryTiming,
  onAttempt: (latencyMs: number) => void,
): WechatClient {
  const failovers = new Map<string, HostFailover>();
  const failoverOf = (app: App) => {
    const hosts = hostsOf(app, platform.hosts);
    const key = hosts.join(' ');
    const failover = failovers.get(key) ?? new HostFailover(hosts);
    failovers.set(key, failover);
    return failover;
  };

  return {
    async call(call) {
      const hosts = failoverOf(call.app);
      const deadline = AbortSignal.timeout(CALL_TIMEOUT_MS);
      let mayHaveExecuted = false;
      let last = new RetryableError('no-answer', 'no answer', { mayHaveExecuted: false });
      let host = hosts.current(timing.now());
      for (let attempts = 0; attempts < MAX_ATTEMPTS && !deadline.aborted; attempts++) {
        if (attempts > 0) await timing.sleep(pauseMs(attempts, timing.random()));
        const signal = AbortSignal.any([deadline, AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)]);
        const startedAt = performance.now();
        try {
          const outcome = await sendOnce(host, call, await egress.routeTo(host), signal);
          hosts.markHealthy(host);
          if ('granted' in outcome) return outcome.granted;
          throw toSourceError(call, outcome.errorResponse, mayHaveExecuted, platform.errorCodes);
        } catch (error) {
          if (!(error instanceof RetryableError)) throw error;
          last = error;
          mayHaveExecuted ||= error.mayHaveExecuted;
          if (error.tryNextHost) host = hosts.next(host, timing.now());
        } finally {
          onAttempt(performance.now() - startedAt);
        }
      }
      throw new SourceError(
        `WeChat could not be reached for app '${call.app.name}': ${last.message}. The next tick tries again.`,
        { code: last.code, kind: 'transient', mayHaveRotated: mayHaveExecuted },
      );
    },
  };
}

/** 125 to 250 ms before the second attempt, and twice as long before each one after it. */
function pauseMs(attempts: number, random: number): number {
  return RETRY_BASE_MS * 2 ** (attempts - 1) * (0.5 + random / 2);
}
