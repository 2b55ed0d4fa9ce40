import {
  BatchGetItemCommand,
  type BatchGetItemCommandOutput,
  type DynamoDBClient,
  type KeysAndAttributes,
} from '@aws-sdk/client-dynamodb';

/** One BatchGetItem, keys by table. Here by the SDK; signed-batch-get.ts has the one for the read function's cold path. */
export type BatchGet = (
  keys: Record<string, KeysAndAttributes>,
) => Promise<Pick<BatchGetItemCommandOutput, 'Responses' | 'UnprocessedKeys'>>;

export function batchGet(client: DynamoDBClient): BatchGet {
  return (keys) => client.send(new BatchGetItemCommand({ RequestItems: keys }));
}
