import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { clientOptions } from '../../functions/aws/clients.ts';
import { batchGet, recordTable } from '../../functions/aws/record-table.ts';
import { signedBatchGet } from '../../functions/aws/signed-batch-get.ts';
import { blankRecord } from '../../functions/core/credential.ts';
import { openEmbeddedTable } from '../../local/embedded-table.ts';

/**
 * How long a call to AWS may take, and when it is sent again: the SDK's calls, and the read function's own BatchGetItem over
 * real HTTP. The latter's signature is checked on the emulator: test/e2e/deploy.test.ts.
 */

type Answer = (response: ServerResponse) => void;
const answer =
  (status: number, body: string): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(body);
const success = answer(200, '{"Responses":{"records":[]},"UnprocessedKeys":{}}');
const failure = (type: string) => `{"__type":"com.amazonaws.dynamodb.v20120810#${type}","message":"secret"}`;
const silence: Answer = () => undefined;

let server: Server;
let endpoint: string;
/** The first request gets the first answer, and so on; the last one is repeated. */
let answers: Answer[];
let requests: IncomingMessage[];

beforeEach(async () => {
  requests = [];
  server = createServer((request, response) => {
    requests.push(request);
    request.resume().on('end', () => answers[Math.min(requests.length, answers.length) - 1]?.(response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

test('an SDK call that gets no answer is aborted after three seconds', async () => {
  answers = [silence];
  const client = new DynamoDBClient({
    ...clientOptions,
    maxAttempts: 1,
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  });
  const startedAt = performance.now();
  await expect(client.send(new DescribeTableCommand({ TableName: 'any' }))).rejects.toThrow(/time/i);
  expect(performance.now() - startedAt).toBeLessThan(4_500);
  client.destroy();
}, 10_000);

describe("the read function's BatchGetItem", () => {
  const keys = { records: { Keys: [{ id: { S: 'a/b' } }], ConsistentRead: true } };

  beforeEach(() => {
    vi.stubEnv('AWS_REGION', 'us-east-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wJalrXUtnFEMI');
    vi.stubEnv('AWS_SESSION_TOKEN', 'session');
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', endpoint);
  });
  afterEach(() => void vi.unstubAllEnvs());

  test('returns what the SDK returns', async () => {
    const table = await openEmbeddedTable();
    try {
      await recordTable(table.client, table.tableName).swap(undefined, blankRecord('a/b'));
      vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', undefined);
      vi.stubEnv('AWS_ENDPOINT_URL', table.endpoint);
      const both = { [table.tableName]: { Keys: [{ id: { S: 'a/b' } }, { id: { S: 'none' } }] } };
      const result = await signedBatchGet()(both);
      expect(result.Responses?.[table.tableName]).toHaveLength(1);
      expect(await batchGet(table.client)(both)).toMatchObject(result);
    } finally {
      await table.close();
    }
  });

  test("is one request, signed for DynamoDB with the role's session", async () => {
    answers = [success];
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

  const transient: [string, Answer][] = [
    ['fails', answer(500, failure('InternalServerError'))],
    ['is unavailable behind a proxy', answer(503, '<html>')],
    ['throttles', answer(400, failure('ThrottlingException'))],
    ['throttles one partition', answer(400, failure('ProvisionedThroughputExceededException'))],
    ['closes the connection', (response) => response.destroy()],
    [
      'closes the connection in mid-answer',
      (response) => response.writeHead(200).write('{', () => response.destroy()),
    ],
  ];
  test.each(transient)('is sent again when DynamoDB %s', async (_name, transientAnswer) => {
    answers = [transientAnswer, transientAnswer, success];
    expect(await signedBatchGet()(keys)).toMatchObject({ Responses: { records: [] } });
    expect(requests).toHaveLength(3);
  });

  test('fails after three attempts', async () => {
    answers = [answer(500, failure('InternalServerError'))];
    await expect(signedBatchGet()(keys)).rejects.toMatchObject({
      name: 'InternalServerError',
      message: 'DynamoDB answered 500 InternalServerError',
    });
    expect(requests).toHaveLength(3);
  });

  test('is not sent again when it was denied', async () => {
    answers = [answer(400, failure('AccessDeniedException'))];
    await expect(signedBatchGet()(keys)).rejects.toThrow('DynamoDB answered 400 AccessDeniedException');
    expect(requests).toHaveLength(1);
  });

  test('is sent again when there was no answer for three seconds', async () => {
    answers = [silence, success];
    expect(await signedBatchGet()(keys)).toMatchObject({ Responses: { records: [] } });
    expect(requests).toHaveLength(2);
  });

  test('fails without credentials in the environment, and says so', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    await expect(signedBatchGet()(keys)).rejects.toThrow('no credentials in the environment');
  });
});
