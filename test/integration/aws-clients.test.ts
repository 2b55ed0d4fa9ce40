import { once } from 'node:events';
import { createServer } from 'node:net';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { clientOptions } from '../../functions/aws/clients.ts';

test('an SDK call to an endpoint that never answers ends after three seconds a try', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const address = silent.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const client = new DynamoDBClient({
    ...clientOptions,
    maxAttempts: 1,
    endpoint: `http://127.0.0.1:${address.port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  });
  const started = performance.now();
  await expect(client.send(new DescribeTableCommand({ TableName: 'any' }))).rejects.toThrow(/time/i);
  expect(performance.now() - started).toBeLessThan(4_500);
  client.destroy();
  silent.close();
}, 10_000);
