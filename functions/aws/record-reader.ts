import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchGetItemCommandOutput, KeysAndAttributes } from '@aws-sdk/client-dynamodb';
import type { RecordStore } from '../core/ports.ts';
import { fromItem, type Item } from './record-item.ts';

/** One BatchGetItem, keys by table: by the SDK in record-table.ts, without it in signed-batch-get.ts. */
export type BatchGet = (
  keys: Record<string, KeysAndAttributes>,
) => Promise<Pick<BatchGetItemCommandOutput, 'Responses' | 'UnprocessedKeys'>>;

/** DynamoDB's limit for one BatchGetItem. */
const BATCH_SIZE = 100;
const MAX_ROUNDS = 5;

/**
 * Reads records, strongly consistent; absent ones are left out. The only half of the table that the read function can
 * use: its role can write nothing.
 */
export function recordReader(batchGet: BatchGet, tableName: string): Pick<RecordStore, 'read'> {
  return {
    async read(ids) {
      const records = (await readItems(batchGet, tableName, ids)).map(fromItem);
      return new Map(records.map((record) => [record.id, record]));
    },
  };
}

/** The items that exist, in batches of 100, strongly consistent. */
export async function readItems(
  batchGet: BatchGet,
  tableName: string,
  ids: readonly string[],
): Promise<Item[]> {
  const batches = Array.from({ length: Math.ceil(ids.length / BATCH_SIZE) }, (_, index) =>
    readBatch(batchGet, tableName, ids.slice(index * BATCH_SIZE, (index + 1) * BATCH_SIZE)),
  );
  return (await Promise.all(batches)).flat();
}

async function readBatch(batchGet: BatchGet, tableName: string, ids: readonly string[]): Promise<Item[]> {
  const items: Item[] = [];
  let pending: KeysAndAttributes | undefined = {
    Keys: ids.map((id) => ({ id: { S: id } })),
    ConsistentRead: true,
  };
  for (let round = 0; pending?.Keys?.length; round++) {
    // A busy table answers part of a batch without an error: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    if (round > 0) await sleep(50 * 2 ** round);
    if (round === MAX_ROUNDS)
      throw new Error(`DynamoDB left ${pending.Keys.length} of ${ids.length} records unread`);
    const { Responses, UnprocessedKeys }: Awaited<ReturnType<BatchGet>> = await batchGet({
      [tableName]: pending,
    });
    items.push(...(Responses?.[tableName] ?? []));
    pending = UnprocessedKeys?.[tableName];
  }
  return items;
}
