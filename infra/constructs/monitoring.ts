import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Alarm, Dashboard, GraphWidget, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import type { BundledFunction } from './bundled-function.ts';
import type { ReadApi } from './read-api.ts';
import type { Refresher } from './refresher.ts';

/** Where ops look and what wakes them. */
export class Monitoring extends Construct {
  readonly topicArn: string;
  readonly dashboardUrl: string;
  readonly #topic: Topic;

  constructor(
    scope: Construct,
    id: string,
    props: { refresher: Refresher; readApi: ReadApi; config: Config },
  ) {
    super(scope, id);
    const { refresher, readApi, config } = props;
    const key = this.#topicKey();
    this.#topic = this.#encryptedTopic(key);
    this.#letNotify(refresher.function, key);
    if (config.alarmEmail) this.#topic.addSubscription(new EmailSubscription(config.alarmEmail));
    this.topicArn = this.#topic.topicArn;

    // One tick a period: with shorter ones, a period without a tick would count as healthy and end every row of errors.
    const tick = Duration.minutes(config.deployment.tickMinutes);
    const refreshErrors = refresher.function.lambda.metricErrors({ period: tick });
    this.#alarm('RefresherErrors', refreshErrors, {
      datapoints: 3,
      description:
        'The refresher crashed or timed out three ticks running, so tokens are not renewed. Read its log group for the ' +
        'newest error; the old tokens are served until they expire.',
    });
    const undelivered = refresher.failures.metricApproximateNumberOfMessagesVisible({
      period: Duration.minutes(1),
    });
    this.#alarm('DeadLetters', undelivered, {
      datapoints: 1,
      description:
        'A tick or an asynchronous refresh was not delivered or failed; its event and error are in the failures queue. ' +
        'The next tick does its work: look there, then purge the queue.',
    });

    const dashboard = new Dashboard(this, 'Dashboard');
    const refresh = refresher.function.lambda;
    const read = readApi.function.lambda;
    dashboard.addWidgets(
      graph('Refresher: ticks and errors', [refresh.metricInvocations(), refresh.metricErrors()]),
      graph('Refresher: duration', [
        refresh.metricDuration({ statistic: 'p50' }),
        refresh.metricDuration({ statistic: 'Maximum' }),
      ]),
      graph('Failures waiting', [undelivered]),
      graph('Read URL: requests and errors', [read.metricInvocations(), read.metricErrors()]),
      graph('Read URL: latency', [
        read.metricDuration({ statistic: 'p50' }),
        read.metricDuration({ statistic: 'p99' }),
      ]),
    );
    const { region } = Stack.of(this);
    this.dashboardUrl = `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboard.dashboardName}`;
  }

  /** A key of our own, because CloudWatch cannot publish to a topic under the AWS-managed key `aws/sns`. */
  #topicKey(): Key {
    const key = new Key(this, 'TopicKey', {
      description: 'Encrypts alarm notices of wechat-token-refresher',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    key.addToResourcePolicy(
      new PolicyStatement({
        ...this.#cloudWatch(),
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: ['*'],
      }),
    );
    return key;
  }

  #encryptedTopic(key: Key): Topic {
    const topic = new Topic(this, 'Alarms', { masterKey: key, enforceSSL: true });
    // enforceSSL brings a policy, and any policy replaces the default one that admits the account's alarms.
    topic.addToResourcePolicy(
      new PolicyStatement({ ...this.#cloudWatch(), actions: ['sns:Publish'], resources: [topic.topicArn] }),
    );
    return topic;
  }

  #cloudWatch() {
    return {
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
    };
  }

  /** By hand: `grantPublish` gives GenerateDataKey* and more. */
  #letNotify({ role, lambda }: BundledFunction, key: Key): void {
    const { topicArn } = this.#topic;
    role.addToPolicy(new PolicyStatement({ actions: ['sns:Publish'], resources: [topicArn] }));
    role.addToPolicy(
      new PolicyStatement({ actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [key.keyArn] }),
    );
    lambda.addEnvironment('NOTICE_TOPIC_ARN', topicArn);
  }

  #alarm(
    id: string,
    metric: IMetric,
    { datapoints, description }: { datapoints: number; description: string },
  ): void {
    const alarm = new Alarm(this, id, {
      metric,
      threshold: 1,
      evaluationPeriods: datapoints,
      alarmDescription: description,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    const notify = new SnsAction(this.#topic);
    alarm.addAlarmAction(notify);
    alarm.addOkAction(notify);
  }
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8 });
}
