import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ReaderKey } from '../core/reader-key.ts';
import { fromReaderKeyItem, readerKeyId } from './reader-key-item.ts';
import { readItems } from './record-reader.ts';

/** Finds a reader key by the SHA-256 (hex) of what its holder shows. */
export function readerKeyLookup(
  client: DynamoDBClient,
  tableName: string,
): (sha256: string) => Promise<ReaderKey | undefined> {
  return async (sha256) => {
    const [item] = await readItems(client, tableName, [readerKeyId(sha256)]);
    return item && fromReaderKeyItem(item);
  };
}
