import type { Logger } from '@aws-lambda-powertools/logger';
import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { Notice, Notices } from '../core/ports.ts';
import type { Measurement } from '../core/reporting/metrics.ts';

export type SnsNotifications = Notices & {
  /** Publishes this run's notices: one message, however many apps share an error. */
  publish(): Promise<void>;
};

/**
 * How operators are notified: a line in the log and, for a rotation, a count in the metric, each time; a message on the
 * topic when the notice asks for it. A topic that cannot be reached is a line in the log.
 *
 * @param eachApp whether the metric has the app for a dimension
 */
export function snsNotifications(
  clients: { logger: Logger; metrics: Metrics; sns: SNSClient },
  topicArn: string,
  eachApp: boolean,
): SnsNotifications {
  const { logger, metrics, sns } = clients;
  let pending: Notice[] = [];
  return {
    async send(notice) {
      logger.warn(notice.message, { notice });
      if (notice.kind === 'unexpected-rotation') {
        const rotations = metrics.singleMetric();
        if (eachApp) rotations.addDimension('app', notice.app);
        rotations.addMetric('UnexpectedRotation', MetricUnit.Count, 1);
      }
      if (notice.notify) pending.push(notice);
    },
    async publish() {
      const [first, ...more] = pending;
      pending = [];
      if (!first) return;
      try {
        await sns.send(
          new PublishCommand({
            TopicArn: topicArn,
            Subject: more.length > 0 ? `WeChat: ${more.length + 1} notices` : subjectOf(first),
            Message: messageOf([first, ...more]),
          }),
        );
      } catch (error) {
        logger.error('A notice could not be published', {
          reason: error instanceof Error ? error.name : 'unknown error',
        });
      }
    },
  };
}

/** At most 100 characters: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
function subjectOf({ kind, app, credential }: Notice): string {
  return `WeChat ${app}/${credential}: ${kind}`;
}

/** The first few hundred would do; SNS takes 256 KB. */
const MAX_NOTICES_IN_A_MESSAGE = 200;

function messageOf(notices: readonly Notice[]): string {
  const shown = notices.slice(0, MAX_NOTICES_IN_A_MESSAGE).map(({ message }) => message);
  const rest = notices.length - shown.length;
  return [...shown, ...(rest > 0 ? [`… and ${rest} more: see the log of the refresher.`] : [])].join('\n\n');
}

/** Publishes in CloudWatch's embedded metric format: lines in the log, so no call and no permission. */
export function publishMetrics(metrics: Metrics, measurements: readonly Measurement[]): void {
  for (const { dimensions, values } of measurements) {
    for (const [name, value] of Object.entries(dimensions)) metrics.addDimension(name, value);
    for (const { name, unit, value } of values) metrics.addMetric(name, unit, value);
    metrics.publishStoredMetrics();
  }
}
