import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { BundledFunction } from '../bundled-function.ts';

/** How ops hear: alarms, and the refresher's notices in plain words. */
export class AlarmTopic extends Construct {
  readonly topic: Topic;
  readonly #key: Key;

  constructor(scope: Construct, id: string, props: { key: Key; email: string | undefined }) {
    super(scope, id);
    this.#key = props.key;
    this.topic = new Topic(this, 'Topic', { masterKey: props.key, enforceSSL: true });
    // enforceSSL brings a policy, and any policy replaces the default one that admits the account's alarms.
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    if (props.email) this.topic.addSubscription(new EmailSubscription(props.email));
  }

  /** The grant and the variable in one call. By hand: `grantPublish` gives GenerateDataKey* and more. */
  grantPublish({ role, lambda }: BundledFunction): void {
    const { topicArn } = this.topic;
    role.addToPolicy(new PolicyStatement({ actions: ['sns:Publish'], resources: [topicArn] }));
    role.addToPolicy(
      new PolicyStatement({ actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [this.#key.keyArn] }),
    );
    lambda.addEnvironment('NOTICE_TOPIC_ARN', topicArn);
  }
}
