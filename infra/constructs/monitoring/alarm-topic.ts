import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { NOTICE_TOPIC_ARN } from '../../../functions/deployment.ts';
import type { BundledFunction } from '../bundled-function.ts';

export interface AlarmTopicProps {
  /** Encrypts what is published. */
  readonly key: Key;
  /** @default no subscription */
  readonly email?: string | undefined;
}

/** What operators subscribe to: alarms, and the refresher's notices. */
export class AlarmTopic extends Construct {
  readonly topic: Topic;
  readonly #key: Key;

  constructor(scope: Construct, id: string, { key, email }: AlarmTopicProps) {
    super(scope, id);
    this.#key = key;
    this.topic = new Topic(this, 'Topic', { masterKey: key, enforceSSL: true });
    // enforceSSL brings a policy, and any policy replaces the default one, which admits the account's alarms.
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    if (email) this.topic.addSubscription(new EmailSubscription(email));
  }

  /** The grant and the variable in one call. By hand: `grantPublish` gives GenerateDataKey* and more. */
  grantPublish(publisher: BundledFunction): void {
    publisher.allow(['sns:Publish'], this.topic.topicArn);
    publisher.allow(['kms:Decrypt', 'kms:GenerateDataKey'], this.#key.keyArn);
    publisher.setEnvironment(NOTICE_TOPIC_ARN, this.topic.topicArn);
  }
}
