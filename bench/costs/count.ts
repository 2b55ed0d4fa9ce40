import { randomUUID } from 'node:crypto';
import { publishMetrics } from '../../functions/aws/monitoring.ts';
import type { WechatApp } from '../../functions/core/credential.ts';
import type { Ports } from '../../functions/core/ports.ts';
import { refresh } from '../../functions/core/refresh.ts';
import { measurementsOf, observedStore } from '../../functions/core/reporting/metrics.ts';
import { timingOf } from '../../functions/core/rules/timing.ts';
import { SimulatedTime } from './simulated-time.ts';
import { LINE_OVERHEAD_BYTES, MetricTally, Tally } from './tally.ts';

const MINUTE_MS = 60_000;
export const MONTH_MINUTES = 30 * 24 * 60;
/** Apps start one after the other, so that they do not expire in the same tick; each is renewed once before counting. */
const WARM_UP_MINUTES = 245;
/** A multiple of 100 and of 120 minutes, so the number of renewals does not depend on when counting starts. */
const COUNTED_MINUTES = 600;
/** Lambda's own lines of an invocation, platform.start and platform.report as JSON. Assumed. */
const PLATFORM_LINES_BYTES = 500;

/** What a month of ticks uses of AWS and WeChat, for apps with a classic token and a ticket each. */
export type Counts = {
  readonly ticks: number;
  readonly renewals: number;
  readonly upstreamCalls: number;
  /** Ticks that called WeChat. */
  readonly ticksWithCalls: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  /** Requests to the table, of any number of units. */
  readonly storeCalls: number;
  readonly parameterReads: number;
  readonly parameterWrites: number;
  /** Time that ticks spend waiting for a ticket to expire. */
  readonly waitedMs: number;
  readonly logBytes: number;
  /** On average: CloudWatch bills a metric for the hours in which it is published. */
  readonly metrics: number;
};

/** Runs the real core and the real metrics on a simulated clock, every minute, and counts the calls that leave the process. */
export async function countMonth(appCount: number): Promise<Counts> {
  const apps = Array.from({ length: appCount }, (_, index) => appNumber(index));
  const time = new SimulatedTime(Date.UTC(2026, 10, 1));
  const start = time.now();
  const metrics = new MetricTally();
  const tally = new Tally();
  const store = observedStore(tally.store());
  const ports: Ports = {
    clock: time,
    randomness: { fraction: () => 0.5, id: randomUUID },
    store,
    source: tally.source(apps, time),
    secrets: tally.secrets(),
    mirror: { write: async () => void tally.parameterWrites++ },
    notices: { send: (notice) => Promise.reject(new Error(notice.message)) },
  };
  const schedule = { refreshAfterMs: 100 * MINUTE_MS, probeMs: 3 * MINUTE_MS, timing: timingOf(MINUTE_MS) };

  for (let minute = 0; minute < WARM_UP_MINUTES + COUNTED_MINUTES; minute++) {
    if (minute === WARM_UP_MINUTES) tally.clear();
    time.passTo(start + minute * MINUTE_MS);
    const startedAt = time.now();
    const callsBefore = tally.upstreamCalls;
    const startedApps = apps.filter((_, index) => minute >= Math.floor((index * 120) / appCount));
    const results = await time.during(refresh(startedApps, { mayWait: true }, schedule, ports));
    const calls = tally.upstreamCalls - callsBefore;
    if (calls > 0) tally.ticksWithCalls++;
    tally.waitedMs += time.now() - startedAt;
    tally.countResults(results);
    const records = store.takeRecords();
    if (minute < WARM_UP_MINUTES) continue;
    const upstreamLatenciesMs = Array.from({ length: calls }, () => 50);
    metrics.hour = Math.floor((minute - WARM_UP_MINUTES) / 60);
    const facts = { results, records, upstreamLatenciesMs, now: time.now() };
    publishMetrics(metrics, measurementsOf(apps, 100, facts));
  }

  const month = MONTH_MINUTES / COUNTED_MINUTES;
  const logBytes =
    metrics.bytes +
    metrics.lines * LINE_OVERHEAD_BYTES +
    tally.lineBytes +
    COUNTED_MINUTES * PLATFORM_LINES_BYTES;
  return {
    ticks: MONTH_MINUTES,
    renewals: tally.renewals * month,
    upstreamCalls: tally.upstreamCalls * month,
    ticksWithCalls: tally.ticksWithCalls * month,
    readUnits: tally.readUnits * month,
    writeUnits: tally.writeUnits * month,
    storeCalls: tally.storeCalls * month,
    parameterReads: tally.parameterReads * month,
    parameterWrites: tally.parameterWrites * month,
    waitedMs: tally.waitedMs * month,
    logBytes: logBytes * month,
    metrics: metrics.metricHours / (COUNTED_MINUTES / 60),
  };
}

export function appNumber(index: number): WechatApp {
  const name = `app-${index + 1}`;
  return { name, kind: 'official-account', appId: `wx${index + 1}`, tokenApi: 'classic', tickets: ['jsapi'] };
}
