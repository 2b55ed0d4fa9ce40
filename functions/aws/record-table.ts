import { isDeepStrictEqual } from 'node:util';
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  type PutItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { CredentialRecord } from '../core/credential.ts';
import type { RecordStore } from '../core/ports.ts';
import { toItem } from './record-item.ts';
import { type BatchGet, recordReader } from './record-reader.ts';

/**
 * The table as a compare-and-swap of whole records. Every write is conditional on the lease id and the version that
 * were read, so of any number of refreshers one gets the lease, and a holder whose lease was taken over cannot commit.
 */
export function recordTable(client: DynamoDBClient, tableName: string): RecordStore {
  const { read } = recordReader(batchGet(client), tableName);
  return {
    read,
    async swap(seen, next) {
      try {
        await client.send(new PutItemCommand({ TableName: tableName, Item: toItem(next), ...stillAs(seen) }));
        return true;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        // The SDK repeats a write whose answer was lost, and the repetition fails its own condition.
        return isDeepStrictEqual((await read([next.id])).get(next.id), next);
      }
    },
  };
}

/** The stored record still is `seen`; an attribute that was changed by hand was read as blank, and may be written again. */
function stillAs(
  seen: CredentialRecord | undefined,
): Pick<PutItemCommandInput, 'ConditionExpression' | 'ExpressionAttributeValues'> {
  if (!seen) return { ConditionExpression: 'attribute_not_exists(id)' };
  const blankLease = seen.leaseId === '';
  const blankVersion = seen.version === 0;
  const lease = blankLease ? '(attribute_not_exists(leaseId) OR leaseId = :leaseId)' : 'leaseId = :leaseId';
  const version = blankVersion
    ? '(version = :version OR NOT attribute_type(version, :number))'
    : 'version = :version';
  return {
    ConditionExpression: `${lease} AND ${version}`,
    ExpressionAttributeValues: {
      ':leaseId': { S: seen.leaseId },
      ':version': { N: String(seen.version) },
      ...(blankVersion && { ':number': { S: 'N' } }),
    },
  };
}

/** BatchGetItem by the SDK; signed-batch-get.ts has it without, for the read function's cold path. */
export function batchGet(client: DynamoDBClient): BatchGet {
  return (keys) => client.send(new BatchGetItemCommand({ RequestItems: keys }));
}
