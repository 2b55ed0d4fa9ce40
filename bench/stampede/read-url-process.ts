import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { recordTable } from '../../functions/aws/record-table.ts';
import type { App } from '../../functions/core/credential.ts';
import { allowAnonymous } from '../../functions/http/authenticator.ts';
import { readApi } from '../../functions/http/read-api.ts';
import { serveLocally } from '../../local/server.ts';

/** The read URL in a process of its own, with the default cache; see our-setup.ts. */

export type ReadUrlSettings = {
  readonly app: App;
  readonly tableEndpoint: string;
  readonly tableName: string;
};

const { app, tableEndpoint, tableName }: ReadUrlSettings = JSON.parse(process.env['SETTINGS'] ?? '{}');
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
let nowMs = 0;

const read = readApi({
  apps: [app],
  authenticator: allowAnonymous,
  refreshAfterMs: 6_000_000,
  cacheSeconds: 10,
  store: recordTable(
    new DynamoDBClient({ endpoint: tableEndpoint, region: 'us-east-1', credentials }),
    tableName,
  ),
  // The world's clock does not advance during a round; a request that waits does so in real time.
  clock: { now: () => nowMs, sleepUntil: (instantMs) => sleep(instantMs - nowMs) },
  nonce: () => 'nonce',
});
const { port } = await serveLocally(0, read, async () => undefined);

process.on('message', (instantMs: number) => {
  nowMs = instantMs;
  process.send?.('done');
});
// An orphan ends with the bench that started it.
process.on('disconnect', () => process.exit());
process.send?.(`http://127.0.0.1:${port}`);
