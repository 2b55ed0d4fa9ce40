import { type AttributeValue, ScanCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { synthesizeBundles } from '../../bench/harness/synthesized-bundles.ts';
import { crm, shop, startWorld, type World } from '../../bench/harness/world.ts';
import { type Lambda, startLambda } from '../support/start-lambda.ts';

/** The read function's deployed bundle, with a public URL (`auth: key`), under 10,000 malformed and hostile requests. */

const app = { ...shop, tickets: ['jsapi', 'wx_card'] as const };

let world: World;
let read: Lambda;
let key: string;
beforeAll(async () => {
  world = await startWorld({ app, others: [crm], simulator: { lifetimeSeconds: 31_536_000 } });
  // The function runs in real time.
  world.clock.set(Date.now());
  await world.tick();
  key = (await world.readerKeys.create({ name: 'fuzz', apps: ['shop'] })).key;
  const { tokenApi: _default, ...rest } = app;
  const bundles = synthesizeBundles({ apps: [rest, crm], readUrl: { auth: 'key' } });
  read = startLambda(bundles.read, {
    TABLE_NAME: world.table.tableName,
    AWS_ENDPOINT_URL_DYNAMODB: world.table.endpoint,
  });
}, 60_000);
afterAll(async () => {
  read.stop();
  await world.close();
});

async function scanTable(): Promise<Record<string, AttributeValue>[]> {
  const { Items = [] } = await world.table.client.send(new ScanCommand({ TableName: world.table.tableName }));
  return Items;
}

/** Variations of valid requests, and arbitrary input. */
function requests() {
  const word = fc.oneof(
    fc.constantFrom(
      'apps',
      'shop',
      'crm',
      'access-token',
      'jsapi-ticket',
      'wx-card-ticket',
      'health',
      '..',
      '',
    ),
    fc.constantFrom(
      'cgi-bin',
      'token',
      'stable_token',
      'ticket',
      'getticket',
      'gettoken',
      'get',
      '__proto__',
    ),
    fc.string({ unit: 'grapheme', maxLength: 12 }),
  );
  const path = fc.oneof(
    fc.constantFrom(
      '/apps/shop/access-token',
      '/apps/shop/jsapi-signature',
      '/apps/crm/access-token',
      '/health',
    ),
    fc.constantFrom(
      '/cgi-bin/token',
      '/cgi-bin/stable_token',
      '/cgi-bin/ticket/getticket',
      '/cgi-bin/gettoken',
    ),
    fc.constantFrom('/cgi-bin/get_jsapi_ticket', '/cgi-bin/ticket/get', '/cgi-bin/user/info'),
    fc.array(word, { maxLength: 5 }).map((words) => `/${words.join('/')}`),
    fc.webPath(),
  );
  const value = fc.oneof(
    fc.constantFrom(
      'client_credential',
      app.appId,
      crm.corpId,
      'jsapi',
      'wx_card',
      'agent_config',
      'a'.repeat(64),
    ),
    fc.constantFrom('https://example.com/#x', 'true', '{}', '-1', key, `${key}x`, `wtk_${'A'.repeat(43)}`),
    fc.string({ unit: 'binary', maxLength: 40 }),
  );
  const name = fc.oneof(
    fc.constantFrom(
      'grant_type',
      'appid',
      'secret',
      'access_token',
      'type',
      'corpid',
      'corpsecret',
      'url',
      'rejected',
    ),
    fc.string({ maxLength: 10 }),
  );
  const pairs = fc.array(fc.tuple(name, value), { maxLength: 6 });
  const query = fc.oneof(
    pairs.map((each) =>
      new URLSearchParams(each.map(([k, v]): [string, string] => [k, v.toWellFormed()])).toString(),
    ),
    fc.string({ maxLength: 60 }),
  );
  const json = fc.oneof(
    pairs.map((each) => JSON.stringify(Object.fromEntries(each))),
    fc.json(),
    fc.string(),
    fc.constant('x'.repeat(100_000)),
  );
  return fc.record({
    rawPath: path,
    rawQueryString: query,
    headers: fc.option(
      fc.dictionary(
        fc.constantFrom('authorization', 'if-none-match', 'content-type', 'x-forwarded-for', 'cookie'),
        fc.oneof(
          value,
          value.map((each) => `Bearer ${each}`),
          fc.constant('*'),
        ),
      ),
      { nil: undefined },
    ),
    body: fc.option(json, { nil: undefined }),
    isBase64Encoded: fc.boolean(),
    requestContext: fc.record({
      http: fc.record({
        method: fc.oneof(
          { weight: 6, arbitrary: fc.constantFrom('GET', 'POST') },
          { weight: 1, arbitrary: fc.constantFrom('HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'get', '') },
        ),
      }),
    }),
  });
}

test('no request gets a 5xx or a stack trace, or causes a write; none without a key gets a value', async () => {
  const before = await scanTable();
  const values = before.flatMap(({ value }) => (value?.S ? [value.S] : []));
  expect(values).toHaveLength(6);
  const statuses = new Map<number, number>();

  await fc.assert(
    fc.asyncProperty(requests(), async (event) => {
      const { result, error } = await read.invoke(event);
      expect(error).toBeUndefined();
      const { statusCode, headers, body } = result as {
        statusCode: number;
        headers: Record<string, string>;
        body: string;
      };
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1);
      expect(statusCode).toBeLessThan(500);
      expect(body).not.toMatch(/\bat .+:\d+:\d+/);
      expect(Object.values(headers).join('')).not.toMatch(/[\r\n]/);
      expect(body).not.toContain(key);
      if (!JSON.stringify(event).includes(key) && !queryContains(event, key)) {
        for (const each of values) expect(body).not.toContain(each);
      }
    }),
    { numRuns: 10_000 },
  );

  expect(await scanTable()).toEqual(before);
  expect(read.logs()).toBe('');
  // The requests must have covered successes, each kind of refusal, and unknown paths.
  for (const status of [200, 401, 404, 405]) expect(statuses.get(status), String(status)).toBeGreaterThan(50);
}, 60_000);

/** A query may hold the key in percent-encoding. */
function queryContains({ rawQueryString }: { rawQueryString: string }, secret: string): boolean {
  return [...new URLSearchParams(rawQueryString).values()].includes(secret);
}
