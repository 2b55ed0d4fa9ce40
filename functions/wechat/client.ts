import type { App } from '../core/credential.ts';
import { SourceError } from '../core/errors.ts';
import { type AnswerReader, RetryableError } from './answers.ts';
import { sendOnce, type WechatRequest } from './attempt.ts';
import type { EgressDispatcher } from './egress.ts';
import { type CalledWith, type ErrorCodeTable, toSourceError, unusableAnswer } from './error-codes.ts';
import { HostFailover } from './host-failover.ts';
import { hostsOf } from './hosts.ts';

/** A host that accepts and then is silent leaves the next one its time. */
const ATTEMPT_TIMEOUT_MS = 5_000;
const CALL_TIMEOUT_MS = 8_000;
const MAX_ATTEMPTS = 4;
const RETRY_BASE_MS = 250;
/** A host may be busy for a moment, or for twelve hours: docs/wechat.md#transport. */
const MAX_BUSY_ANSWERS = 2;

export type WechatCall<T> = WechatRequest & {
  readonly app: App;
  readonly calledWith: CalledWith;
  /** What the answer must have. */
  readonly answer: AnswerReader<T>;
  /** Not repeated once WeChat may have carried it out: for a call of which there are only a few. @default false */
  readonly atMostOnce?: boolean;
};

/** What WeChat answered, and how many requests it may have counted until then. */
export type Answered<T> = { readonly answer: T; readonly upstreamCalls: number };

export type WechatClient = {
  /** One call, with its retries; at most 8 s in all. Throws `SourceError`. */
  call<T>(call: WechatCall<T>): Promise<Answered<T>>;
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
 * The loop is our own, not undici's RetryAgent: most of what WeChat wants retried comes as a 200 (errcode -1, a body that is
 * not WeChat's), and a host that gives no answer of WeChat's is followed by the next one, not by itself. A rotating call is
 * repeated only for an answer that was lost: no other attempt can bring the token that it may have issued, and WeChat keeps
 * one token whichever host answers.
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
      const failover = failoverOf(call.app);
      const deadline = AbortSignal.timeout(CALL_TIMEOUT_MS);
      /** The last fault of each host that was asked. */
      const faults = new Map<string, RetryableError>();
      let host = failover.current(timing.now());
      let code = 'no-answer';
      let counted = 0;
      let pauses = 0;
      let busyAnswers = 0;
      for (let attempts = 0; attempts < MAX_ATTEMPTS && !deadline.aborted; attempts++) {
        if (faults.has(host)) await timing.sleep(pauseMs(++pauses, timing.random()));
        const signal = AbortSignal.any([deadline, AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)]);
        const startedAt = performance.now();
        try {
          const outcome = await sendOnce(host, call, await egress.routeTo(host), signal);
          const upstreamCalls = counted + 1;
          if ('granted' in outcome) return { answer: outcome.granted, upstreamCalls };
          if ('unusable' in outcome) {
            // Another server than WeChat's may have sent it: the next call begins elsewhere.
            if (!outcome.hasErrcode) failover.failed(host, timing.now());
            throw unusableAnswer(call.app, outcome.unusable, upstreamCalls);
          }
          const facts = { mayHaveRotated: counted > 0, upstreamCalls };
          throw toSourceError(call, outcome.errorResponse, facts, platform.errorCodes);
        } catch (error) {
          if (!(error instanceof RetryableError)) throw withLostAnswers(error, counted);
          ({ code } = error);
          faults.set(host, error);
          if (error.mayHaveExecuted) counted++;
          if (error.mayHaveExecuted && call.atMostOnce) break;
          busyAnswers = code === '-1' ? busyAnswers + 1 : 0;
          if (error.tryNextHost || busyAnswers === MAX_BUSY_ANSWERS) {
            host = failover.failed(host, timing.now());
            busyAnswers = 0;
          }
        } finally {
          onAttempt(performance.now() - startedAt);
        }
      }
      const reasons = [...faults.values()].map(({ message }) => message).join('; ') || 'no answer in time';
      throw new SourceError(
        `WeChat did not answer app '${call.app.name}': ${reasons}.${call.atMostOnce ? '' : ' The next tick tries again.'}`,
        { code, kind: 'transient', mayHaveRotated: counted > 0, upstreamCalls: counted },
      );
    },
  };
}

/** A proxy whose URL could not be read must not make us forget that an attempt before it may have rotated. */
function withLostAnswers(error: unknown, counted: number): unknown {
  if (!(error instanceof SourceError) || error.reachedWechat || counted === 0) return error;
  const { message, code, kind, cause } = error;
  return new SourceError(message, { code, kind, cause, mayHaveRotated: true, upstreamCalls: counted });
}

/** 125 to 250 ms before a host is asked for the second time, and twice as long before each pause after it. */
function pauseMs(pauses: number, random: number): number {
  return RETRY_BASE_MS * 2 ** (pauses - 1) * (0.5 + random / 2);
}
