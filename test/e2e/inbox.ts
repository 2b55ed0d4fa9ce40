import { SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import type { Clients } from './deployment.ts';

export type Inbox = {
  /** What the topic has sent since the last call. */
  messages(): Promise<string[]>;
};

/** Listens to a topic by a queue, as an operator would by e-mail. */
export async function subscribe(root: Clients, topicArn: string): Promise<Inbox> {
  const fromTopic = {
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: '*',
    Condition: { ArnEquals: { 'aws:SourceArn': topicArn } },
  };
  const { QueueUrl } = await root.sqs.send(
    new CreateQueueCommand({
      QueueName: 'operator',
      Attributes: { Policy: JSON.stringify({ Version: '2012-10-17', Statement: [fromTopic] }) },
    }),
  );
  const { Attributes } = await root.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  await root.sns.send(
    new SubscribeCommand({ TopicArn: topicArn, Protocol: 'sqs', Endpoint: Attributes?.['QueueArn'] }),
  );
  return {
    async messages() {
      const texts: string[] = [];
      for (;;) {
        const { Messages = [] } = await root.sqs.send(
          new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
        );
        if (Messages.length === 0) return texts;
        texts.push(...Messages.map(({ Body }) => JSON.parse(Body ?? '{}').Message));
        await root.sqs.send(
          new DeleteMessageBatchCommand({
            QueueUrl,
            Entries: Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
          }),
        );
      }
    },
  };
}
