import type { FailureKind } from '../credential.ts';

const TRANSIENT_BASE_MS = 5_000;
const TRANSIENT_CAP_MS = 120_000;
const CONFIGURATION_BASE_MS = 60_000;
const CONFIGURATION_CAP_MS = 600_000;

/**
 * How long to wait after the `count`-th failure in a row (ms). Drawn once, with `random` in [0, 1), and stored:
 * a wait that is drawn again at every look has no known end.
 *
 * A passing fault costs half a tick at most, so that a tick that comes early still finds it over: the tick is the retry,
 * and a failure at minute 100 has nineteen more chances before minute 120. What only ops can mend is asked about up to every ten minutes.
 */
export function backoffMs(kind: FailureKind, count: number, random: number, tickMs: number): number {
  const [baseMs, capMs] =
    kind === 'configuration'
      ? [CONFIGURATION_BASE_MS, CONFIGURATION_CAP_MS]
      : [TRANSIENT_BASE_MS, Math.min(TRANSIENT_CAP_MS, Math.max(TRANSIENT_BASE_MS, tickMs / 2))];
  const ceilingMs = Math.min(capMs, baseMs * 2 ** Math.min(count - 1, 30));
  return Math.round(ceilingMs * (0.5 + random / 2));
}
