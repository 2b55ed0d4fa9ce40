import type { Logger } from '@aws-lambda-powertools/logger';
import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { Notice, Notices } from '../core/ports.ts';

/**
 * How ops hear: a line in the log and, for a rotation, a count in the metric, each time; a message on the topic when
 * the notice asks for it. A topic that cannot be reached is a line in the log.
 */
export function operatorNotices(
  means: { logger: Logger; metrics: Metrics; sns: SNSClient },
  topicArn: string,
): Notices {
  const { logger, metrics, sns } = means;
  return {
    async send(notice) {
      logger.warn(notice.message, { notice });
      if (notice.kind === 'unexpected-rotation') {
        metrics
          .singleMetric()
          .addDimension('app', notice.app)
          .addMetric('UnexpectedRotation', MetricUnit.Count, 1);
      }
      if (!notice.tell) return;
      try {
        await sns.send(
          new PublishCommand({ TopicArn: topicArn, Subject: subjectOf(notice), Message: notice.message }),
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
