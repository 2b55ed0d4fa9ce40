import { randomBytes } from 'node:crypto';
import {
  type DynamoDBClient,
  PutItemCommand,
  paginateScan,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { fingerprintOf } from '../core/credential.ts';
import { type ReaderKey, statusOf } from '../core/reader-key.ts';
import { fromReaderKeyItem, READER_KEY_PREFIX, readerKeyId, toReaderKeyItem } from './reader-key-item.ts';
import { number, text } from './record-item.ts';

const KEY_BYTES = 32;

/** The name belongs to another key that is still valid. */
export class ReaderKeyNameTakenError extends Error {
  override readonly name = 'ReaderKeyNameTakenError';
  constructor(name: string) {
    super(`A reader key named '${name}' exists and is valid. Revoke it, or choose another name.`);
  }
}

/** There is no such key to revoke. */
export class UnknownReaderKeyError extends Error {
  override readonly name = 'UnknownReaderKeyError';
  constructor(name: string) {
    super(`No valid reader key is named '${name}'.`);
  }
}

/** What operators do with reader keys. Runs with their permissions, never in the read function. Instants are epoch ms. */
export type ReaderKeys = {
  /**
   * Makes a key; only its SHA-256 is stored, so this is the only time that the key is seen.
   *
   * @throws ReaderKeyNameTakenError
   */
  create(key: Pick<ReaderKey, 'name' | 'apps' | 'expiresAt'>): Promise<{ key: string }>;
  /** Every key that was ever made, oldest first. */
  list(): Promise<ReaderKey[]>;
  /**
   * Revokes every valid key of that name; the read URL follows within a minute.
   *
   * @throws UnknownReaderKeyError
   */
  revoke(name: string): Promise<void>;
};

export function readerKeys(client: DynamoDBClient, tableName: string, clock: () => number): ReaderKeys {
  async function all(): Promise<{ id: string; key: ReaderKey }[]> {
    const found: { id: string; key: ReaderKey }[] = [];
    const pages = paginateScan(
      { client },
      {
        TableName: tableName,
        ConsistentRead: true,
        FilterExpression: 'begins_with(id, :prefix)',
        ExpressionAttributeValues: { ':prefix': text(READER_KEY_PREFIX) },
      },
    );
    for await (const { Items = [] } of pages) {
      for (const item of Items) found.push({ id: item['id']?.S ?? '', key: fromReaderKeyItem(item) });
    }
    return found.toSorted((one, other) => one.key.createdAt - other.key.createdAt);
  }

  async function valid(name: string): Promise<string[]> {
    const now = clock();
    const named = (await all()).filter(({ key }) => key.name === name && statusOf(key, now) === 'valid');
    return named.map(({ id }) => id);
  }

  return {
    async create(options) {
      if ((await valid(options.name)).length > 0) throw new ReaderKeyNameTakenError(options.name);
      const key = `wtk_${randomBytes(KEY_BYTES).toString('base64url')}`;
      const item = toReaderKeyItem(readerKeyId(fingerprintOf(key)), { ...options, createdAt: clock() });
      await client.send(new PutItemCommand({ TableName: tableName, Item: item }));
      return { key };
    },
    list: async () => (await all()).map(({ key }) => key),
    async revoke(name) {
      const ids = await valid(name);
      if (ids.length === 0) throw new UnknownReaderKeyError(name);
      for (const id of ids) {
        await client.send(
          new UpdateItemCommand({
            TableName: tableName,
            Key: { id: text(id) },
            UpdateExpression: 'SET revokedAt = :now',
            ExpressionAttributeValues: { ':now': number(clock()) },
          }),
        );
      }
    },
  };
}
