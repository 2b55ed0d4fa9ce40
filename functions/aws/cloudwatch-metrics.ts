import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import {
  type App,
  type CredentialRecord,
  credentialId,
  credentialsOf,
  liveValue,
} from '../core/credential.ts';
import { CLASSIC_CALLS_PER_DAY, expiringBelowSeconds, measuresEachApp } from '../core/reporting/metrics.ts';
import type { CredentialResult } from '../core/reporting/results.ts';
import { countForToday } from '../core/rules/quota-day.ts';

/** What one run left behind. */
export type RunFacts = {
  readonly results: readonly CredentialResult[];
  /** By id, as they were last read or written. */
  readonly records: ReadonlyMap<string, CredentialRecord>;
  readonly upstreamLatenciesMs: readonly number[];
  /** Epoch ms, at the end of the run. */
  readonly now: number;
};

type Deployed = { readonly apps: readonly App[]; readonly refreshAfterMinutes: number };
type Measurement = readonly [name: string, unit: (typeof MetricUnit)[keyof typeof MetricUnit], value: number];
type Dimensions = Readonly<Record<string, string>>;

/** Publishes what one run has shown, as CloudWatch's embedded metric format: lines in the log, so no call and no right. */
export function runMetrics(metrics: Metrics, deployed: Deployed): (facts: RunFacts) => void {
  const eachApp = measuresEachApp(deployed.apps);

  /** One line for all that has the same dimensions. */
  function publish(dimensions: Dimensions, measurements: readonly Measurement[]): void {
    if (measurements.length === 0) return;
    for (const [name, value] of Object.entries(dimensions)) metrics.addDimension(name, value);
    for (const [name, unit, value] of measurements) metrics.addMetric(name, unit, value);
    metrics.publishStoredMetrics();
  }

  return (facts) => {
    const looked = new Set(facts.results.map(({ app }) => app));
    let expiring = 0;
    for (const app of deployed.apps.filter(({ name }) => looked.has(name))) {
      const dimensions = eachApp ? { app: app.name } : {};
      for (const result of facts.results.filter((each) => each.app === app.name)) {
        const seconds = secondsRemaining(app, result, facts);
        if (seconds < expiringBelowSeconds(app, result.credential, deployed.refreshAfterMinutes)) expiring++;
        publish({ ...dimensions, ...(eachApp && { credential: result.credential }) }, [
          ...(eachApp ? [['SecondsRemaining', MetricUnit.Seconds, seconds] as const] : []),
          ...(result.outcome === 'renewed' ? [['Renewals', MetricUnit.Count, 1] as const] : []),
        ]);
        const failure = facts.records.get(credentialId(app.name, result.credential))?.failure;
        if (result.outcome === 'failed') {
          publish({ ...dimensions, class: failure?.kind ?? 'transient' }, [
            ['Failures', MetricUnit.Count, 1],
          ]);
        }
      }
      publish(dimensions, [...failuresInARow(app, facts), ...quotaUsed(app, facts)]);
    }
    publish({}, [
      ...(eachApp ? [] : [['ExpiringCredentials', MetricUnit.Count, expiring] as const]),
      ...facts.upstreamLatenciesMs.map((ms) => ['UpstreamLatency', MetricUnit.Milliseconds, ms] as const),
    ]);
  };
}

function secondsRemaining(app: App, { credential }: CredentialResult, { records, now }: RunFacts): number {
  const live = liveValue(records.get(credentialId(app.name, credential)), app, now);
  return live ? Math.floor((live.expiresAt - now) / 1000) : 0;
}

function failuresInARow(app: App, { records }: RunFacts): Measurement[] {
  const counts = credentialsOf(app).map(
    ({ name }) => records.get(credentialId(app.name, name))?.failure?.count ?? 0,
  );
  const most = Math.max(...counts);
  return most > 0 ? [['FailuresInARow', MetricUnit.Count, most]] : [];
}

/** After each call that counts; WeChat's own count, which others raise too, is 100 % when it says so (45009). */
function quotaUsed(app: App, { results, records, now }: RunFacts): Measurement[] {
  if (app.kind === 'wecom' || app.tokenApi !== 'classic') return [];
  const record = records.get(credentialId(app.name, 'access-token'));
  const asked = results.some(
    ({ app: name, credential, outcome }) =>
      name === app.name && credential === 'access-token' && (outcome === 'renewed' || outcome === 'failed'),
  );
  if (!record || !asked) return [];
  const spent = now < record.classicQuotaBackAt || record.failure?.code === '45009';
  const calls = countForToday(record.askedAt, record.requestsToday, now);
  const percent = spent ? 100 : Math.min(100, (calls / CLASSIC_CALLS_PER_DAY) * 100);
  return [['QuotaUsedPercent', MetricUnit.Percent, percent]];
}
