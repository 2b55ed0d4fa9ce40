import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  CreateTableCommand,
  DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { ClassicLevel } from 'classic-level';
import dynalite from 'dynalite';

export type EmbeddedTable = {
  readonly client: DynamoDBClient;
  readonly endpoint: string;
  readonly tableName: string;
  close(): Promise<void>;
};

const TABLE_NAME = 'wechat-credentials';

/**
 * The DynamoDB API in this process, so that local mode runs the very adapters that Lambda runs.
 *
 * @param path a folder that outlasts the process; without it the table is in memory
 */
export async function openEmbeddedTable(path?: string): Promise<EmbeddedTable> {
  if (path !== undefined) await assertUsable(path);
  const server = dynalite({ createTableMs: 0, ...(path !== undefined && { path }) });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  await createTable(client);
  return {
    client,
    endpoint,
    tableName: TABLE_NAME,
    async close() {
      client.destroy();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A folder that dynalite cannot open crashes the process, past every try and catch, so it is tried first. */
async function assertUsable(path: string): Promise<void> {
  const database = new ClassicLevel(path);
  try {
    await database.open();
  } catch (error) {
    const reason =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(`The table in ${path} cannot be opened (${reason}). Remove it to begin anew.`, {
      cause: error,
    });
  }
  await database.close();
}

async function createTable(client: DynamoDBClient): Promise<void> {
  try {
    await client.send(
      new CreateTableCommand({
        TableName: TABLE_NAME,
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  // Until it is active, every other call is refused, and dynalite needs a moment for that, even with `createTableMs: 0`.
  await waitUntilTableExists(
    { client, maxWaitTime: 10, minDelay: 0.02, maxDelay: 0.1 },
    { TableName: TABLE_NAME },
  );
}
