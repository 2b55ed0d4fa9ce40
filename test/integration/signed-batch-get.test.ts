import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { batchGet, recordTable } from '../../functions/aws/record-table.ts';
import { signedBatchGet } from '../../functions/aws/signed-batch-get.ts';
import { blankRecord } from '../../functions/core/credential.ts';
import { type EmbeddedTable, openEmbeddedTable } from '../../local/embedded-table.ts';

/** The read function's own BatchGetItem, over real HTTP. Its signature is checked on the emulator: test/e2e/deploy.test.ts. */

const keys = { records: { Keys: [{ id: { S: 'a/b' } }], ConsistentRead: true } };

beforeEach(() => {
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wJalrXUtnFEMI');
  vi.stubEnv('AWS_SESSION_TOKEN', 'session');
});
afterEach(() => void vi.unstubAllEnvs());

describe('of a table', () => {
  let table: EmbeddedTable;
  afterEach(() => table.close());

  test('it answers what the SDK answers', async () => {
    table = await openEmbeddedTable();
    await recordTable(table.client, table.tableName).swap(undefined, blankRecord('a/b'));
    vi.stubEnv('AWS_ENDPOINT_URL', table.endpoint);
    const both = { [table.tableName]: { Keys: [{ id: { S: 'a/b' } }, { id: { S: 'none' } }] } };
    const answer = await signedBatchGet()(both);
    expect(answer.Responses?.[table.tableName]).toHaveLength(1);
    expect(await batchGet(table.client)(both)).toMatchObject(answer);
  });
});

describe('of a server that', () => {
  type Act = (response: ServerResponse) => void;
  const answers =
    (status: number, body: string): Act =>
    (response) =>
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(body);
  const found = answers(200, '{"Responses":{"records":[]},"UnprocessedKeys":{}}');
  const failure = (type: string) =>
    `{"__type":"com.amazonaws.dynamodb.v20120810#${type}","message":"secret"}`;

  let server: Server;
  let acts: Act[];
  let requests: IncomingMessage[];
  beforeEach(async () => {
    requests = [];
    server = createServer((request, response) => {
      requests.push(request);
      request.resume().on('end', () => acts[Math.min(requests.length, acts.length) - 1]?.(response));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  test('is well is asked once, signed for DynamoDB with the session of the role', async () => {
    acts = [found];
    expect(await signedBatchGet()(keys)).toEqual({ Responses: { records: [] }, UnprocessedKeys: {} });
    expect(requests).toHaveLength(1);
    expect(requests[0]?.headers).toMatchObject({
      'x-amz-target': 'DynamoDB_20120810.BatchGetItem',
      'x-amz-security-token': 'session',
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/us-east-1\/dynamodb\/aws4_request, SignedHeaders=\S*host\S*, Signature=[0-9a-f]{64}$/,
      ),
    });
  });

  const passing: [string, Act][] = [
    ['fails', answers(500, failure('InternalServerError'))],
    ['fails in front of DynamoDB', answers(503, '<html>')],
    ['throttles', answers(400, failure('ThrottlingException'))],
    ['has a partition that is too busy', answers(400, failure('ProvisionedThroughputExceededException'))],
    ['hangs up', (response) => response.destroy()],
    ['hangs up in mid-answer', (response) => response.writeHead(200).write('{', () => response.destroy())],
  ];
  test.each(passing)('%s is asked again', async (_name, act) => {
    acts = [act, act, found];
    expect(await signedBatchGet()(keys)).toMatchObject({ Responses: { records: [] } });
    expect(requests).toHaveLength(3);
  });

  test('goes on failing is left alone after three tries', async () => {
    acts = [answers(500, failure('InternalServerError'))];
    await expect(signedBatchGet()(keys)).rejects.toMatchObject({
      name: 'InternalServerError',
      message: 'DynamoDB answered 500 InternalServerError',
    });
    expect(requests).toHaveLength(3);
  });

  test('refuses is not asked again', async () => {
    acts = [answers(400, failure('AccessDeniedException'))];
    await expect(signedBatchGet()(keys)).rejects.toThrow('DynamoDB answered 400 AccessDeniedException');
    expect(requests).toHaveLength(1);
  });

  test('does not answer is asked again after three seconds', async () => {
    acts = [() => undefined, found];
    expect(await signedBatchGet()(keys)).toMatchObject({ Responses: { records: [] } });
    expect(requests).toHaveLength(2);
  });
});

test('without credentials it says so', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
  await expect(signedBatchGet()(keys)).rejects.toThrow('no credentials in the environment');
});
