import { Duration } from 'aws-cdk-lib';
import type { Alarm, IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { ReadApi } from '../read-api.ts';
import type { Refresher } from '../refresher.ts';
import { notifyingAlarm } from './alarm.ts';

export interface FunctionAlarmsProps {
  readonly refresher: Refresher;
  readonly readApi: ReadApi;
  readonly tickMinutes: number;
}

/** Alarms on the functions themselves, by what AWS measures. */
export function functionAlarms(scope: Construct, topic: Topic, props: FunctionAlarmsProps): Alarm[] {
  const { refresher, readApi, tickMinutes } = props;
  // One tick a period: with shorter ones, a period without a tick would count as healthy and end every row of errors.
  const period = Duration.minutes(tickMinutes);
  return [
    notifyingAlarm(scope, 'RefresherErrors', topic, {
      metric: refresher.function.lambda.metricErrors({ period }),
      threshold: { atLeast: 1 },
      periods: 3,
      text: 'The refresher crashed or timed out in three ticks in a row, so nothing is renewed; old values are served until they expire.',
      runbook: 'refresher-errors',
    }),
    notifyingAlarm(scope, 'RefresherThrottles', topic, {
      metric: refresher.function.lambda.metricThrottles({ period }),
      threshold: { atLeast: 1 },
      periods: 3,
      text: "The account's Lambda concurrency was used up in three ticks in a row, so the refresher did not run.",
      runbook: 'refresher-throttles',
    }),
    notifyingAlarm(scope, 'DeadLetters', topic, {
      metric: deadLetterMetric(refresher),
      threshold: { atLeast: 1 },
      text: 'A tick or an asynchronous refresh was not delivered or crashed; its event and error are in the dead-letter queue. The next tick does its work.',
      runbook: 'dead-letters',
    }),
    notifyingAlarm(scope, 'ReadErrors', topic, {
      metric: readApi.frontEnd.errors,
      threshold: { atLeast: 1 },
      periods: 3,
      text: 'The read URL answered with a 5xx for three minutes: it fails, or an app has no valid credential (503).',
      runbook: 'read-errors',
    }),
    notifyingAlarm(scope, 'ReadLatency', topic, {
      metric: readApi.frontEnd.latency,
      threshold: { atLeast: 2_000 },
      // One period may have caught the requests that waited for a ticket's successor.
      periods: 2,
      text: 'One in a hundred answers of the read URL took more than 2 seconds, for ten minutes.',
      runbook: 'read-latency',
    }),
  ];
}

export function deadLetterMetric({ deadLetterQueue }: Refresher): IMetric {
  return deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1) });
}
