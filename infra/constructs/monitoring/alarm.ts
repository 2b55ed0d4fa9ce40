import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

export type AlarmProps = {
  readonly metric: IMetric;
  /** Fires at this value and beyond it. */
  readonly threshold: { readonly atLeast: number } | { readonly below: number };
  /** Periods in a row, all of them bad; one unless told. */
  readonly periods?: number;
  /** What a period without a datapoint means; nothing bad unless told. */
  readonly missing?: TreatMissingData;
  /** What it means, for whom; the runbook's entry is added. */
  readonly text: string;
  /** Heading in docs/runbook.md, as GitHub links to it. */
  readonly runbook: string;
};

/** An alarm that tells the topic of trouble and of its end. */
export function alarm(scope: Construct, id: string, topic: Topic, props: AlarmProps): Alarm {
  const { threshold } = props;
  const made = new Alarm(scope, id, {
    metric: props.metric,
    ...('below' in threshold
      ? { comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD, threshold: threshold.below }
      : {
          comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
          threshold: threshold.atLeast,
        }),
    evaluationPeriods: props.periods ?? 1,
    treatMissingData: props.missing ?? TreatMissingData.NOT_BREACHING,
    alarmDescription: `${props.text} What to do: docs/runbook.md#${props.runbook}`,
  });
  const notify = new SnsAction(topic);
  made.addAlarmAction(notify);
  made.addOkAction(notify);
  return made;
}
