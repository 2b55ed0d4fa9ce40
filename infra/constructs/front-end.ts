import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** What answers under the read URL; the function behind it gets the same events from each (payload format 2.0). */
export type FrontEnd = {
  /** Ends with a slash. */
  readonly url: string;
  /** What an app's role needs, beside a signature; nothing where reader keys let callers in. */
  readonly invokeStatements: readonly PolicyStatement[];
  /** Answers of 500 and above, a minute. */
  readonly errors: IMetric;
  /** Milliseconds, p99 of five minutes. */
  readonly latency: IMetric;
};
