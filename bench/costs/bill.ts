import { measuresEachApp } from '../../functions/core/reporting/metrics.ts';
import { appNumber, type Counts, MONTH_MINUTES } from './count.ts';
import { costOf, type Priced } from './prices.ts';

export const egressModes = ['direct', 'proxy', 'nat-instance', 'nat-gateway'] as const;
export type EgressMode = (typeof egressModes)[number];
export type Quantities = Partial<Record<Priced, number>>;

const HOURS = MONTH_MINUTES / 60;
const GB = 1e9;

/** Assumed, not counted; docs/costs.md lists them. */
const assumed = {
  refresherGb: 256 / 1024,
  tickMs: 100,
  upstreamCallMs: 50,
  readerGb: 512 / 1024,
  readMs: 20,
  readLogBytes: 550,
  /** One call with its TLS handshake, there and back. */
  callBytes: 10_000,
  diskGb: 8,
} as const;

/** What the refresher, its table and its monitoring use in a month. */
export function usageOf(counts: Counts, appCount: number): Quantities {
  const workedMs = counts.ticks * assumed.tickMs + counts.upstreamCalls * assumed.upstreamCallMs;
  return {
    lambdaRequests: counts.ticks,
    lambdaTime: ((workedMs + counts.waitedMs) / 1000) * assumed.refresherGb,
    schedule: counts.ticks,
    reads: counts.readUnits,
    writes: counts.writeUnits,
    keyRequests: counts.parameterReads + counts.parameterWrites,
    keys: 1,
    metrics: counts.metrics,
    alarms: alarmCount(appCount),
    dashboards: 1,
    logs: counts.logBytes / GB,
  };
}

/** What an egress mode adds to `direct`. */
export function egressOf(mode: EgressMode, counts: Counts): Quantities {
  if (mode === 'direct') return {};
  // The proxy's URL is read again when it is a minute old.
  if (mode === 'proxy') return { keyRequests: counts.ticksWithCalls };
  const calls = counts.upstreamCalls + counts.storeCalls + counts.parameterReads + counts.parameterWrites;
  const traffic = (calls * assumed.callBytes) / GB;
  const shared = { addresses: HOURS, trafficOut: traffic };
  return mode === 'nat-gateway'
    ? { ...shared, natHours: HOURS, natTraffic: traffic }
    : { ...shared, instanceHours: HOURS, disk: assumed.diskGb };
}

/** A million reads over each interface. */
export const readInterfaces: Readonly<Record<string, Quantities>> = {
  'read URL (Function URL)': readUsage(),
  'read URL (API Gateway HTTP API)': { ...readUsage(), httpApi: 1_000_000 },
  'SSM parameter': { keyRequests: 1_000_000 },
};

function readUsage(): Quantities {
  const reads = 1_000_000;
  return {
    lambdaRequests: reads,
    lambdaTime: (reads * assumed.readMs * assumed.readerGb) / 1000,
    reads,
    logs: (reads * assumed.readLogBytes) / GB,
  };
}

export function totalOf(usage: readonly Quantities[], options: { free: boolean }): number {
  const sums = new Map<Priced, number>();
  for (const quantities of usage) {
    for (const [what, quantity] of Object.entries(quantities) as [Priced, number][]) {
      sums.set(what, (sums.get(what) ?? 0) + quantity);
    }
  }
  return [...sums].reduce((total, [what, quantity]) => total + costOf(what, quantity, options), 0);
}

/** See infra/constructs/monitoring/: five of the stack; up to sixty apps three more for each and one for each credential. */
function alarmCount(appCount: number): number {
  const apps = Array.from({ length: appCount }, (_, index) => appNumber(index));
  if (!measuresEachApp(apps)) return 5 + 4;
  return apps.reduce((sum, { tickets }) => sum + 3 + 1 + tickets.length, 5);
}
