/** The times that depend on each other, derived in one place so that they cannot drift apart. All in ms. */
export type Timing = {
  readonly tickMs: number;
  /** The refresher is stopped then. Long enough to stay for one event anywhere in the tick and act on it. */
  readonly timeoutMs: number;
  /**
   * Outlives the function, so that the holder of an expired lease is dead; from a tick of 40 s on it is under two ticks, so
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
