import { Duration } from 'aws-cdk-lib';
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
import type { Config } from '../../config.ts';
import { type AlarmProps, alarm } from './alarm.ts';

/** Watch what the refresher measures: each app's credentials, or in a large stack all of them together. */
export function credentialAlarms(scope: Construct, topic: Topic, config: Config): Alarm[] {
  const { apps } = config.deployment;
  const alarms = measuresEachApp(apps)
    ? apps.flatMap((app) => alarmsOfApp(app, config))
    : alarmsOfStack(config);
  return Object.entries(Object.fromEntries(alarms)).map(([id, props]) => alarm(scope, id, topic, props));
}

type NamedAlarm = readonly [id: string, props: AlarmProps];

function alarmsOfApp(app: App, config: Config): NamedAlarm[] {
  const { refreshAfterMinutes } = config.deployment;
  const expiring = credentialsOf(app).map(({ name }): NamedAlarm => {
    const below = expiringBelowSeconds(app, name, refreshAfterMinutes);
    const left = below > 1 ? `has less than ${below / 60} minutes to live` : 'has no live value';
    return [
      `Expiring-${app.name}-${name}`,
      {
        ...lateRenewal(measured(config, 'SecondsRemaining', 'Maximum', { app: app.name, credential: name }), {
          below,
        }),
        text: `The ${name} of app '${app.name}' ${left} and was not renewed, or the refresher does not run at all.`,
      },
    ];
  });
  const classic = app.kind !== 'wecom' && app.tokenApi === 'classic';
  const common = sharedAlarms(config, `app '${app.name}'`, { app: app.name });
  return [
    ...expiring,
    [`FailuresInARow-${app.name}`, common.failures],
    [`UnexpectedRotation-${app.name}`, common.rotation],
    ...(classic ? [[`QuotaNear-${app.name}`, common.quota] as const] : []),
  ];
}

/** The log, and `wechat-token-refresher status`, say which app it is. */
function alarmsOfStack(config: Config): NamedAlarm[] {
  const common = sharedAlarms(config, 'an app', {});
  return [
    [
      'Expiring',
      {
        ...lateRenewal(measured(config, 'ExpiringCredentials', 'Maximum', {}), { atLeast: 1 }),
        text: 'A credential of some app was not renewed in time, or the refresher does not run at all.',
      },
    ],
    ['FailuresInARow', common.failures],
    ['UnexpectedRotation', common.rotation],
    ['QuotaNear', common.quota],
  ];
}

/** Three ticks, for one may be lost. Silence is the worst news: nobody renews. */
function lateRenewal(metric: Metric, threshold: AlarmProps['threshold']) {
  return { metric, threshold, periods: 3, missing: TreatMissingData.BREACHING, runbook: 'expiring' };
}

function sharedAlarms(config: Config, whose: string, dimensions: Record<string, string>) {
  return {
    failures: {
      metric: measured(config, 'FailuresInARow', 'Maximum', dimensions),
      threshold: { atLeast: FAILURES_IN_A_ROW },
      text: `WeChat refused or did not answer ${FAILURES_IN_A_ROW} times in a row for ${whose}; the old value is served until it expires.`,
      runbook: 'failures-in-a-row',
    },
    rotation: {
      metric: measured(config, 'UnexpectedRotation', 'Sum', dimensions),
      threshold: { atLeast: 1 },
      text: `Somebody else fetched the token of ${whose}, so ours died before its time; it has been renewed, and will die again.`,
      runbook: 'unexpected-rotation',
    },
    quota: {
      metric: measured(config, 'QuotaUsedPercent', 'Maximum', dimensions),
      threshold: { atLeast: QUOTA_NEAR_PERCENT },
      // It is measured at a call only, and stays as it was until the next.
      missing: TreatMissingData.IGNORE,
      text: `${QUOTA_NEAR_PERCENT} % of the day's calls to WeChat's /cgi-bin/token are spent for ${whose}; a healthy day takes about 1 %.`,
      runbook: 'quota-near',
    },
  } satisfies Record<string, AlarmProps>;
}

/** One tick a period: with a shorter one, a period without a tick would have no datapoint. */
function measured(
  { stackName, deployment }: Config,
  metricName: string,
  statistic: 'Maximum' | 'Sum',
  dimensions: Record<string, string>,
): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName,
    statistic,
    period: Duration.minutes(deployment.tickMinutes),
    dimensionsMap: { service: stackName, ...dimensions },
  });
}
