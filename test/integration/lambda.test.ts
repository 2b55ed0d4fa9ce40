import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ParameterServer, startParameterServer } from '../../bench/harness/parameter-server.ts';
import { synthesizeBundles } from '../../bench/harness/synthesized-bundles.ts';
import { recordTable } from '../../functions/aws/record-table.ts';
import type { RefreshAnswer } from '../../functions/refresher.ts';
import { type EmbeddedTable, openEmbeddedTable } from '../../local/embedded-table.ts';
import { DEMO_ACCOUNT, type Simulator, startSimulator } from '../../local/simulator/simulator.ts';
import { changeDeployment, type Lambda, startLambda } from '../support/start-lambda.ts';
import { startTopicServer, type TopicServer } from '../support/topic-server.ts';

/** The bundles that are deployed, in processes of their own, against real HTTP on every side. */

const SECRET_NAME = '/wechat/secrets/shop/app-secret';
const TOPIC_ARN = 'arn:aws:sns:us-east-1:123456789012:alarms';
const WRONG_SECRET = 'a-wrong-secret-of-operators';
const VALUE = /sim(classic|stable|ticket)_/;
/** Seconds; a busy machine takes some of them. */
const almostTwoHours = expect.closeTo(7195, -1);

let bundles: { refresh: string; read: string };
let simulator: Simulator;
let table: EmbeddedTable;
let parameters: ParameterServer;
let topic: TopicServer;
let refresh: Lambda;
let read: Lambda;

beforeAll(() => {
  bundles = synthesizeBundles({
    apps: [{ name: 'shop', kind: 'official-account', appId: DEMO_ACCOUNT.appId, tickets: ['jsapi'] }],
    readUrl: { cacheSeconds: 0 },
  });
}, 60_000);
beforeEach(async () => {
  simulator = await startSimulator();
  table = await openEmbeddedTable();
  parameters = await startParameterServer();
  topic = await startTopicServer();
  const environment = {
    TABLE_NAME: table.tableName,
    AWS_ENDPOINT_URL_DYNAMODB: table.endpoint,
    AWS_ENDPOINT_URL_SSM: parameters.url,
  };
  changeDeployment(bundles.refresh, { wechatHosts: [simulator.url], wecomHosts: [simulator.url] });
  refresh = startLambda(bundles.refresh, {
    ...environment,
    AWS_ENDPOINT_URL_SNS: topic.url,
    NOTICE_TOPIC_ARN: TOPIC_ARN,
    POWERTOOLS_SERVICE_NAME: 'wechat-token-refresher',
  });
  read = startLambda(bundles.read, environment);
});
afterEach(async () => {
  refresh.stop();
  read.stop();
  await simulator.close();
  await table.close();
  await parameters.close();
  await topic.close();
});

/** What a Function URL sends; https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html */
function urlEvent(target: string, method = 'GET', headers: Record<string, string> = {}) {
  const [rawPath, rawQueryString = ''] = target.split('?');
  return {
    version: '2.0',
    rawPath,
    rawQueryString,
    headers,
    requestContext: { http: { method, path: rawPath } },
  };
}

async function get(target: string, method = 'GET') {
  const { result } = await read.invoke(urlEvent(target, method));
  const { statusCode, body } = result as { statusCode: number; body: string };
  return { statusCode, body };
}

const metrics = () =>
  refresh
    .logs()
    .split('\n')
    .filter((line) => line.includes('"_aws"'))
    .map((line) => JSON.parse(line));

describe('the deployed bundles', () => {
  test('of reading are small: what slips in is paid for at every cold start', () => {
    // 31 KB as of 2026-11, docs/benchmarks.md. The SDK alone would be 180 more.
    expect(statSync(join(bundles.read, 'index.mjs')).size).toBeLessThan(50_000);
  });

  test('renew, mirror and serve', async () => {
    parameters.put(SECRET_NAME, DEMO_ACCOUNT.secret);
    const { result } = await refresh.invoke({ source: 'aws.scheduler', 'detail-type': 'Scheduled Event' });
    expect((result as RefreshAnswer).results).toMatchObject([
      { credential: 'access-token', outcome: 'renewed' },
      { credential: 'jsapi-ticket', outcome: 'renewed' },
    ]);
    const token = simulator.currentToken(DEMO_ACCOUNT.appId, 'classic');
    expect(parameters.get('/wechat/tokens/shop/access-token')).toBe(token);
    const { statusCode, body } = await get('/apps/shop/access-token');
    expect(statusCode).toBe(200);
    expect(JSON.parse(body).access_token).toBe(token);
    const { result: again } = await read.invoke(
      urlEvent('/apps/shop/access-token', 'GET', { 'if-none-match': '*' }),
    );
    expect(again).toMatchObject({ statusCode: 304 });
    expect((await get('/apps/shop/access-token', 'PUT')).statusCode).toBe(405);
    expect(refresh.logs()).toContain('"message":"shop/access-token renewed: no-value"');
  });

  test('let a caller wait at the end of a token until its successor is there', async () => {
    parameters.put(SECRET_NAME, DEMO_ACCOUNT.secret);
    await refresh.invoke({});
    const ended = simulator.currentToken(DEMO_ACCOUNT.appId, 'classic');
    const store = recordTable(table.client, table.tableName);
    const record = (await store.read(['shop/access-token'])).get('shop/access-token');
    if (!record?.current) throw new Error('no token');
    await store.swap(record, { ...record, current: { ...record.current, expiresAt: Date.now() } });
    const answer = get('/apps/shop/access-token');
    await new Promise((resolve) => setTimeout(resolve, 500));
    await refresh.invoke({});
    const { statusCode, body } = await answer;
    expect(statusCode).toBe(200);
    expect(JSON.parse(body).access_token).toBe(simulator.currentToken(DEMO_ACCOUNT.appId, 'classic'));
    expect(JSON.parse(body).access_token).not.toBe(ended);
  });

  test('say nothing about a tick that found nothing to do', async () => {
    parameters.put(SECRET_NAME, DEMO_ACCOUNT.secret);
    await refresh.invoke({});
    const before = refresh.logs();
    await refresh.invoke({});
    const since = refresh.logs().slice(before.length).trim().split('\n');
    expect(since.filter((line) => !line.includes('"_aws"'))).toEqual([]);
    expect(since.map((line) => JSON.parse(line))).toMatchObject([
      { app: 'shop', credential: 'access-token', SecondsRemaining: almostTwoHours },
      { app: 'shop', credential: 'jsapi-ticket', SecondsRemaining: almostTwoHours },
    ]);
  });

  test('notify operators of a rotation by another client: a message, a count and a line; the message may fail', async () => {
    parameters.put(SECRET_NAME, DEMO_ACCOUNT.secret);
    await refresh.invoke({});
    const store = recordTable(table.client, table.tableName);
    const report = async () => {
      simulator.rotate(DEMO_ACCOUNT.appId);
      simulator.rotate(DEMO_ACCOUNT.appId);
      // A token younger than half a minute is only suspected.
      const record = (await store.read(['shop/access-token'])).get('shop/access-token');
      if (!record?.current) throw new Error('no token');
      const minuteAgo = Date.now() - 60_000;
      const current = { ...record.current, issuedAt: minuteAgo, renewedAt: minuteAgo };
      await store.swap(record, { ...record, automaticAt: 0, probedAt: 0, current });
      return refresh.invoke({ app: 'shop', rejected: record?.current?.fingerprint });
    };
    await report();
    expect(topic.published).toEqual([
      {
        topicArn: TOPIC_ARN,
        subject: 'WeChat shop/access-token: unexpected-rotation',
        message: expect.stringMatching(
          /^The access-token of app 'shop' became invalid before its time .* and stop it/,
        ),
      },
    ]);
    const rotations = () => metrics().filter((each) => 'UnexpectedRotation' in each);
    expect(rotations()).toMatchObject([
      {
        _aws: {
          CloudWatchMetrics: [
            {
              Namespace: 'WechatTokenRefresher',
              Dimensions: [['service', 'app']],
              Metrics: [{ Name: 'UnexpectedRotation', Unit: 'Count' }],
            },
          ],
        },
        app: 'shop',
        UnexpectedRotation: 1,
      },
    ]);

    // Notified within the hour already: counted, and not notified again.
    await report();
    expect(topic.published).toHaveLength(1);
    expect(rotations()).toHaveLength(2);

    const record = (await store.read(['shop/access-token'])).get('shop/access-token');
    if (record) await store.swap(record, { ...record, rotationNotifiedAt: 0 });
    topic.down = true;
    const { result } = await report();
    expect((result as RefreshAnswer).results).toMatchObject([{ outcome: 'renewed' }, { outcome: 'fresh' }]);
    expect(refresh.logs()).toContain('"message":"A notice could not be published"');
    expect(refresh.logs()).not.toMatch(VALUE);
  });

  test('measure what the alarms watch, in one line for all that has the same dimensions', async () => {
    simulator.setAllowedIps(DEMO_ACCOUNT.appId, ['198.51.100.1']);
    parameters.put(SECRET_NAME, DEMO_ACCOUNT.secret);
    await refresh.invoke({});
    const definitions = (line: { _aws: { CloudWatchMetrics: object[] } }) => line._aws.CloudWatchMetrics;
    expect(definitions(metrics()[0])).toEqual([
      {
        Namespace: 'WechatTokenRefresher',
        Dimensions: [['service', 'app', 'credential']],
        Metrics: [{ Name: 'SecondsRemaining', Unit: 'Seconds' }],
      },
    ]);
    expect(metrics()).toMatchObject([
      { app: 'shop', credential: 'access-token', SecondsRemaining: 0 },
      { app: 'shop', class: 'configuration', Failures: 1 },
      { app: 'shop', credential: 'jsapi-ticket', SecondsRemaining: 0 },
      { app: 'shop', class: 'transient', Failures: 1 },
      { app: 'shop', FailuresInARow: 1, QuotaUsedPercent: 0.05 },
      { service: 'wechat-token-refresher', UpstreamLatency: expect.any(Number) },
    ]);
    expect(topic.published).toHaveLength(1);
    expect(topic.published[0]?.message).toContain('Add 203.0.113.7 on');

    simulator.setAllowedIps(DEMO_ACCOUNT.appId, undefined);
    await refresh.invoke({ app: 'shop', force: true, reason: 'allowed' });
    expect(metrics().slice(6)).toMatchObject([
      { credential: 'access-token', SecondsRemaining: almostTwoHours, Renewals: 1 },
      { credential: 'jsapi-ticket', SecondsRemaining: almostTwoHours, Renewals: 1 },
      { app: 'shop', QuotaUsedPercent: 0.1 },
      { UpstreamLatency: [expect.any(Number), expect.any(Number)] },
    ]);
  });

  test('answer what operators query, and log nothing of it', async () => {
    const { result } = await refresh.invoke({ status: true });
    expect(result).toMatchObject({ status: { apps: [{ app: 'shop' }] } });
    const { result: diagnosis } = await refresh.invoke({ diagnose: true, app: 'shop' });
    expect(diagnosis).toMatchObject({ diagnosis: { secret: 'missing', hosts: [{ reachable: true }] } });
    expect(refresh.logs()).toBe('');
  });

  test('log a reset of the quota, of which there are ten a month, and a refusal is no failed invocation', async () => {
    const { result } = await refresh.invoke({ clearQuota: true, app: 'shop' });
    expect(result).toEqual({
      quotaCleared: { app: 'shop', error: { code: 'missing-secret', message: expect.any(String) } },
    });
    expect(refresh.logs()).toMatch(/"message":"quota clear".*"code":"missing-secret"/);
  });

  test('never let a secret or a token into a log, an answer, an error or a record, whatever goes wrong', async () => {
    const seen: unknown[] = [];
    const failures: (() => void)[] = [
      () => undefined, // The secret is missing.
      () => parameters.put(SECRET_NAME, WRONG_SECRET),
      () => parameters.put(SECRET_NAME, DEMO_ACCOUNT.secret),
      () => simulator.setAllowedIps(DEMO_ACCOUNT.appId, ['198.51.100.1']),
      () => simulator.setAllowedIps(DEMO_ACCOUNT.appId, undefined),
      () => simulator.addFault({ kind: 'empty-body', count: 4 }),
      () => simulator.addFault({ kind: 'not-json', count: 4 }),
      () => simulator.addFault({ kind: 'drop-after', count: 4 }),
      () => simulator.addFault({ kind: 'http-status', status: 500, count: 4 }),
      () => simulator.addFault({ kind: 'errcode', errcode: 99999, errmsg: DEMO_ACCOUNT.secret, count: 1 }),
      () => {
        parameters.down = true;
      },
    ];
    for (const arrange of failures) {
      arrange();
      await makeDue();
      seen.push(await refresh.invoke({}), await recordsWithoutValue());
      seen.push(await get('/health'), await get('/apps/shop/nothing'), await get('/apps/other/access-token'));
    }
    const token = simulator.currentToken(DEMO_ACCOUNT.appId, 'classic') ?? '';
    seen.push(await refresh.invoke({ app: token, force: true }));
    seen.push(await refresh.invoke({ app: 'shop', rejected: token }));

    const everything = [JSON.stringify(seen), refresh.logs(), read.logs()].join('\n');
    // The failures above did happen, and are logged.
    const codes = [
      'missing-secret',
      '40001',
      '40164',
      'empty-body',
      'not-json',
      'UND_ERR_SOCKET',
      'http-500',
      '99999',
    ];
    for (const code of [...codes, 'mirror-unreachable']) expect(refresh.logs()).toContain(`"code":"${code}"`);
    expect(everything).not.toMatch(VALUE);
    expect(everything).not.toContain(DEMO_ACCOUNT.secret);
    expect(everything).not.toContain(WRONG_SECRET);
  }, 60_000);
});

const IDS = ['shop/access-token', 'shop/jsapi-ticket'];

/** Ages every record, so that the next tick has work to do. */
async function makeDue(): Promise<void> {
  const store = recordTable(table.client, table.tableName);
  for (const record of (await store.read(IDS)).values()) {
    const { current } = record;
    await store.swap(record, {
      ...record,
      nextAttemptAt: 0,
      ...(current && { current: { ...current, expiresAt: 1 } }),
    });
  }
}

/** All that the table says but the value itself, which is what it is for. */
async function recordsWithoutValue(): Promise<unknown> {
  const records = await recordTable(table.client, table.tableName).read(IDS);
  return [...records.values()].map(({ current, ...rest }) => ({
    ...rest,
    fingerprint: current?.fingerprint,
  }));
}
