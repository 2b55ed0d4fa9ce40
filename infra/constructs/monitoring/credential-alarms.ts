import { Duration, Stack } from 'aws-cdk-lib';
import { type Alarm, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { type App, credentialsOf } from '../../../functions/core/credential.ts';
import {
  expiringBelowSeconds,
  FAILURES_IN_A_ROW,
  measuresEachApp,
  metricNamespace,
  QUOTA_NEAR_PERCENT,
} from '../../../functions/core/reporting/metrics.ts';
import type { Deployment } from '../../../functions/deployment.ts';
import { type AlarmProps, notifyingAlarm } from './alarm.ts';

type Dimensions = Readonly<Record<string, string>>;
type Measure = (metricName: string, statistic: 'Maximum' | 'Sum', dimensions: Dimensions) => Metric;

/** Alarms on what the refresher measures: each app's credentials, or in a large stack all of them together. */
export function credentialAlarms(scope: Construct, topic: Topic, deployment: Deployment): Alarm[] {
  const { apps, refreshAfterMinutes, tickMinutes } = deployment;
  const { stackName } = Stack.of(scope);
  const measure: Measure = (metricName, statistic, dimensions) =>
    new Metric({
      namespace: metricNamespace,
      metricName,
      statistic,
      // One tick a period: with a shorter one, a period without a tick would have no datapoint.
      period: Duration.minutes(tickMinutes),
      dimensionsMap: { service: stackName, ...dimensions },
    });
  const alarms = measuresEachApp(apps)
    ? apps.flatMap((app) => Object.entries(alarmsOfApp(app, refreshAfterMinutes, measure)))
    : Object.entries(alarmsOfStack(measure));
  return alarms.map(([id, props]) => notifyingAlarm(scope, id, topic, props));
}

function alarmsOfApp(app: App, refreshAfterMinutes: number, measure: Measure): Record<string, AlarmProps> {
  const expiring = credentialsOf(app).map(({ name }) => {
    const below = expiringBelowSeconds(app, name, refreshAfterMinutes);
    const remaining = below > 1 ? `has less than ${below / 60} minutes left` : 'has no valid value';
    const metric = measure('SecondsRemaining', 'Maximum', { app: app.name, credential: name });
    const props = {
      ...lateRenewal(metric, { below }),
      text: `The ${name} of app '${app.name}' ${remaining} and was not renewed, or the refresher does not run at all.`,
    };
    return [`Expiring-${app.name}-${name}`, props] as const;
  });
  const { failures, rotation, quota } = sharedAlarms(measure, `app '${app.name}'`, { app: app.name });
  const isClassic = app.kind !== 'wecom' && app.tokenApi === 'classic';
  return {
    ...Object.fromEntries(expiring),
    [`FailuresInARow-${app.name}`]: failures,
    [`UnexpectedRotation-${app.name}`]: rotation,
    ...(isClassic && { [`QuotaNear-${app.name}`]: quota }),
  };
}

/** Which app it is, the log and `wechat-token-refresher status` say. */
function alarmsOfStack(measure: Measure): Record<string, AlarmProps> {
  const { failures, rotation, quota } = sharedAlarms(measure, 'an app', {});
  return {
    Expiring: {
      ...lateRenewal(measure('ExpiringCredentials', 'Maximum', {}), { atLeast: 1 }),
      text: 'A credential of some app was not renewed in time, or the refresher does not run at all.',
    },
    FailuresInARow: failures,
    UnexpectedRotation: rotation,
    QuotaNear: quota,
  };
}

/** Three ticks, because one may be lost. No datapoint is the worst case: nothing is renewed at all. */
function lateRenewal(metric: Metric, threshold: AlarmProps['threshold']) {
  return { metric, threshold, periods: 3, missing: TreatMissingData.BREACHING, runbook: 'expiring' } as const;
}

/** Of an app and of the whole stack alike. */
function sharedAlarms(measure: Measure, subject: string, dimensions: Dimensions) {
  return {
    failures: {
      metric: measure('FailuresInARow', 'Maximum', dimensions),
      threshold: { atLeast: FAILURES_IN_A_ROW },
      text: `WeChat rejected or did not answer ${FAILURES_IN_A_ROW} attempts in a row for ${subject}; the old value is served until it expires.`,
      runbook: 'failures-in-a-row',
    },
    rotation: {
      metric: measure('UnexpectedRotation', 'Sum', dimensions),
      threshold: { atLeast: 1 },
      text: `Another client fetched the token of ${subject}, which invalidated ours before its expiry. It has been renewed, and will be invalidated again until that client stops.`,
      runbook: 'unexpected-rotation',
    },
    quota: {
      metric: measure('QuotaUsedPercent', 'Maximum', dimensions),
      threshold: { atLeast: QUOTA_NEAR_PERCENT },
      // It is measured at a call only, and stays as it was until the next.
      missing: TreatMissingData.IGNORE,
      text: `${QUOTA_NEAR_PERCENT} % of the day's calls to WeChat's /cgi-bin/token are used up for ${subject}; a healthy day takes about 1 %.`,
      runbook: 'quota-near',
    },
  } satisfies Record<string, AlarmProps>;
}
