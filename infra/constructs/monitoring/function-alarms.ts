import { Duration } from 'aws-cdk-lib';
import type { Alarm, IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { Config } from '../../config.ts';
import type { ReadApi } from '../read-api.ts';
import type { Refresher } from '../refresher.ts';
import { alarm } from './alarm.ts';

type FunctionAlarmsProps = {
  readonly refresher: Refresher;
  readonly readApi: ReadApi;
  readonly config: Config;
};

/** Watch the functions themselves, by what AWS measures. */
export function functionAlarms(scope: Construct, topic: Topic, watched: FunctionAlarmsProps): Alarm[] {
  const { refresher, readApi, config } = watched;
  // One tick a period: with shorter ones, a period without a tick would count as healthy and end every row of errors.
  const period = Duration.minutes(config.deployment.tickMinutes);
  return [
    alarm(scope, 'RefresherErrors', topic, {
      metric: refresher.function.lambda.metricErrors({ period }),
      threshold: { atLeast: 1 },
      periods: 3,
      text: 'The refresher crashed or timed out three ticks running, so nothing is renewed; old values are served until they expire.',
      runbook: 'refresher-errors',
    }),
    alarm(scope, 'RefresherThrottles', topic, {
      metric: refresher.function.lambda.metricThrottles({ period }),
      threshold: { atLeast: 1 },
      periods: 3,
      text: "The account's Lambda concurrency was used up three ticks running, so the refresher did not run.",
      runbook: 'refresher-throttles',
    }),
    alarm(scope, 'DeadLetters', topic, {
      metric: deadLetterMetric(refresher),
      threshold: { atLeast: 1 },
      text: 'A tick or an asynchronous refresh was not delivered or crashed; its event and error are in the failures queue. The next tick does its work.',
      runbook: 'dead-letters',
    }),
    alarm(scope, 'ReadErrors', topic, {
      metric: readApi.frontEnd.errors,
      threshold: { atLeast: 1 },
      periods: 3,
      text: 'The read URL answered with a 5xx for three minutes: it fails, or an app has no live credential (503).',
      runbook: 'read-errors',
    }),
    alarm(scope, 'ReadLatency', topic, {
      metric: readApi.frontEnd.latency,
      threshold: { atLeast: 2_000 },
      // One period may have caught those who waited for the successor of a ticket.
      periods: 2,
      text: 'One in a hundred answers of the read URL took more than 2 seconds, for ten minutes.',
      runbook: 'read-latency',
    }),
  ];
}

export function deadLetterMetric({ failures }: Refresher): IMetric {
  return failures.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1) });
}
