import type { FailureKind } from '../credential.ts';

/** What is done how often, all in ms. */
export type Schedule = {
  /** Age at which a classic token is renewed. */
  readonly refreshAfterMs: number;
  /** How often a token is checked with WeChat; 0 = never. */
  readonly probeMs: number;
  readonly timing: Timing;
};

/** The times that depend on each other, derived in one place so that they cannot drift apart. All in ms. */
export type Timing = {
  readonly tickMs: number;
  /** The refresher is stopped then. Long enough to wait for one event anywhere in the tick and act on it. */
  readonly timeoutMs: number;
  /**
   * Outlives the function, so that the holder of an expired lease is gone; from a tick of 40 s on it is under two ticks, so
   * that two ticks heal.
   */
  readonly leaseMs: number;
  /** No attempt begins later than this after the start of a run: it could not finish. */
  readonly lastStartMs: number;
};

export function timingOf(tickMs: number): Timing {
  const timeoutMs = tickMs + 30_000;
  return { tickMs, timeoutMs, leaseMs: timeoutMs + 10_000, lastStartMs: timeoutMs - 20_000 };
}

const TRANSIENT_BASE_MS = 5_000;
const TRANSIENT_CAP_MS = 120_000;
const CONFIGURATION_BASE_MS = 60_000;
const CONFIGURATION_CAP_MS = 600_000;

/**
 * How long to wait after the `count`-th failure in a row (ms). Drawn once, with `random` in [0, 1), and stored:
 * a wait that is drawn again at every look has no known end.
 *
 * A transient failure costs half a tick at most, so that a tick that comes early still finds it over: the tick is the
 * retry, and a failure at minute 100 has nineteen more chances before minute 120. What only operators can correct is tried
 * every ten minutes in the end.
 */
export function backoffMs(kind: FailureKind, count: number, random: number, tickMs: number): number {
  const [baseMs, capMs] =
    kind === 'configuration'
      ? [CONFIGURATION_BASE_MS, CONFIGURATION_CAP_MS]
      : [TRANSIENT_BASE_MS, Math.min(TRANSIENT_CAP_MS, Math.max(TRANSIENT_BASE_MS, tickMs / 2))];
  const ceilingMs = Math.min(capMs, baseMs * 2 ** Math.min(count - 1, 30));
  return Math.round(ceilingMs * (0.5 + random / 2));
}
