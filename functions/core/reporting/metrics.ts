import {
  type App,
  type CredentialName,
  type CredentialRecord,
  credentialId,
  credentialsOf,
  liveValue,
} from '../credential.ts';
import type { RecordStore } from '../ports.ts';
import { countForToday } from '../rules/quota-day.ts';
import type { CredentialResult } from './results.ts';

/** What the refresher measures and the alarms watch: one list for both, so that they cannot drift apart. */
export const metricNamespace = 'WechatTokenRefresher';

/**
 * Each app has metrics and alarms of its own up to so many apps. Beyond that they are the stack's: a stack holds at most
 * 500 resources, and each metric and alarm costs money. `wechat-token-refresher status` names the app.
 */
const MAX_APPS_WITH_METRICS = 60;

export function measuresEachApp(apps: readonly App[]): boolean {
  return apps.length <= MAX_APPS_WITH_METRICS;
}

const FULL_LIFETIME_SECONDS = 7_200;

/**
 * A credential with fewer seconds left was not renewed when it should have been.
 * - A classic token is renewed with 20 minutes left (or as configured): a quarter of them later operators should know.
 * - A stable one is renewed within its last 5 minutes.
 * - Tickets and WeCom's token are renewed at their very end: only a missing one is late.
 */
export function expiringBelowSeconds(app: App, name: CredentialName, refreshAfterMinutes: number): number {
  if (name !== 'access-token' || app.kind === 'wecom') return 1;
  if (app.tokenApi === 'stable') return 240;
  return Math.min(900, ((FULL_LIFETIME_SECONDS - refreshAfterMinutes * 60) * 3) / 4);
}

/** Calls that WeChat grants an account in a day (docs/wechat.md#classic-token); those of a stable token cannot run out this way. */
const CLASSIC_CALLS_PER_DAY = 2_000;
export const QUOTA_NEAR_PERCENT = 80;
/** Failed attempts in a row that no longer are a passing problem: backed off, they took several minutes. */
export const FAILURES_IN_A_ROW = 5;

/** What one run left behind. */
export type RunFacts = {
  readonly results: readonly CredentialResult[];
  /** By id, as they were last read or written. */
  readonly records: ReadonlyMap<string, CredentialRecord>;
  readonly upstreamLatenciesMs: readonly number[];
  /** Epoch ms, at the end of the run. */
  readonly now: number;
};

/** Values that share their dimensions. */
export type Measurement = {
  readonly dimensions: Readonly<Record<string, string>>;
  readonly values: readonly MetricValue[];
};
export type MetricValue = {
  readonly name: string;
  readonly unit: 'Seconds' | 'Milliseconds' | 'Count' | 'Percent';
  readonly value: number;
};

/** What one run shows of the apps that it looked at. */
export function measurementsOf(
  apps: readonly App[],
  refreshAfterMinutes: number,
  facts: RunFacts,
): Measurement[] {
  const eachApp = measuresEachApp(apps);
  const resultsByApp = Map.groupBy(facts.results, ({ app }) => app);
  const measurements: Measurement[] = [];
  let expiring = 0;
  for (const app of apps) {
    const results = resultsByApp.get(app.name);
    if (!results) continue;
    const dimensions: Record<string, string> = eachApp ? { app: app.name } : {};
    for (const { credential, outcome } of results) {
      const record = facts.records.get(credentialId(app.name, credential));
      const seconds = secondsRemaining(app, record, facts.now);
      if (seconds < expiringBelowSeconds(app, credential, refreshAfterMinutes)) expiring++;
      measurements.push({
        dimensions: { ...dimensions, ...(eachApp && { credential }) },
        values: [
          ...(eachApp ? [{ name: 'SecondsRemaining', unit: 'Seconds', value: seconds } as const] : []),
          ...(outcome === 'renewed' ? [count('Renewals', 1)] : []),
        ],
      });
      if (outcome === 'failed') {
        const failureClass = record?.failure?.kind ?? 'transient';
        measurements.push({
          dimensions: { ...dimensions, class: failureClass },
          values: [count('Failures', 1)],
        });
      }
    }
    measurements.push({
      dimensions,
      values: [...failuresInARow(app, facts), ...quotaUsed(app, results, facts)],
    });
  }
  measurements.push({
    dimensions: {},
    values: [
      ...(eachApp ? [] : [count('ExpiringCredentials', expiring)]),
      ...facts.upstreamLatenciesMs.map(
        (value) => ({ name: 'UpstreamLatency', unit: 'Milliseconds', value }) as const,
      ),
    ],
  });
  return measurements.filter(({ values }) => values.length > 0);
}

function count(name: string, value: number): MetricValue {
  return { name, unit: 'Count', value };
}

function secondsRemaining(app: App, record: CredentialRecord | undefined, now: number): number {
  const live = liveValue(record, app, now);
  return live ? Math.floor((live.expiresAt - now) / 1000) : 0;
}

function failuresInARow(app: App, { records }: RunFacts): MetricValue[] {
  const counts = credentialsOf(app).map(
    ({ name }) => records.get(credentialId(app.name, name))?.failure?.count ?? 0,
  );
  const most = Math.max(...counts);
  return most > 0 ? [count('FailuresInARow', most)] : [];
}

/** After each call that counts; WeChat's own count, which other clients raise too, is at 100 % when WeChat refuses for it. */
function quotaUsed(
  app: App,
  results: readonly CredentialResult[],
  { records, now }: RunFacts,
): MetricValue[] {
  if (app.kind === 'wecom' || app.tokenApi !== 'classic') return [];
  const record = records.get(credentialId(app.name, 'access-token'));
  const requested = results.some(
    ({ credential, outcome }) =>
      credential === 'access-token' && (outcome === 'renewed' || outcome === 'failed'),
  );
  if (!record || !requested) return [];
  const spent = now < record.classicQuotaBackAt || record.failure?.kind === 'quota';
  const calls = countForToday(record.requestedAt, record.requestsToday, now);
  const value = spent ? 100 : Math.min(100, (calls / CLASSIC_CALLS_PER_DAY) * 100);
  return [{ name: 'QuotaUsedPercent', unit: 'Percent', value }];
}

export type ObservedStore = RecordStore & {
  /** The records as they were last read or written since this was last called, by id. */
  takeRecords(): ReadonlyMap<string, CredentialRecord>;
};

/** Remembers what passes through, so that a run can be measured without another read. */
export function observedStore(store: RecordStore): ObservedStore {
  let records = new Map<string, CredentialRecord>();
  return {
    async read(ids) {
      const found = await store.read(ids);
      for (const [id, record] of found) records.set(id, record);
      return found;
    },
    async swap(seen, next) {
      const written = await store.swap(seen, next);
      if (written) records.set(next.id, next);
      return written;
    },
    takeRecords() {
      const taken = records;
      records = new Map();
      return taken;
    },
  };
}
