import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { type RunbookEntry, runbookUrl } from '../../../functions/core/reporting/runbook.ts';

export interface AlarmProps {
  readonly metric: IMetric;
  /** Fires at this value, inclusive, and beyond it; or below this value, exclusive. */
  readonly threshold: { readonly atLeast: number } | { readonly below: number };
  /** Periods in a row that must all breach. @default 1 */
  readonly periods?: number;
  /** What a period without a datapoint means. @default not breaching */
  readonly missing?: TreatMissingData;
  /** What has happened and whom it concerns; the link to the runbook is added. */
  readonly text: string;
  readonly runbook: RunbookEntry;
}

/** An alarm that notifies the topic when it fires and when it is over. */
export function notifyingAlarm(scope: Construct, id: string, topic: Topic, props: AlarmProps): Alarm {
  const { threshold } = props;
  const alarm = new Alarm(scope, id, {
    metric: props.metric,
    ...('below' in threshold
      ? { comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD, threshold: threshold.below }
      : {
          comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
          threshold: threshold.atLeast,
        }),
    evaluationPeriods: props.periods ?? 1,
    treatMissingData: props.missing ?? TreatMissingData.NOT_BREACHING,
    alarmDescription: `${props.text} What to do: ${runbookUrl(props.runbook)}`,
  });
  const notify = new SnsAction(topic);
  alarm.addAlarmAction(notify);
  alarm.addOkAction(notify);
  return alarm;
}
