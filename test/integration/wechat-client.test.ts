import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { shop } from '../../bench/harness/world.ts';
import { SourceError } from '../../functions/core/errors.ts';
import { tokenAnswer } from '../../functions/wechat/answers.ts';
import { type WechatClient, wechatClient } from '../../functions/wechat/client.ts';
import { EgressDispatcher } from '../../functions/wechat/egress.ts';
import { officialErrorCodes } from '../../functions/wechat/official-error-codes.ts';
import { DEMO_ACCOUNT, type Simulator, startSimulator } from '../../local/simulator/simulator.ts';

let simulator: Simulator;
let egress: EgressDispatcher;
let now = 0;
let pauses: number[] = [];
let latenciesMs: number[] = [];

beforeEach(async () => {
  simulator = await startSimulator();
  egress = new EgressDispatcher(async () => undefined);
  now = 0;
  pauses = [];
  latenciesMs = [];
});
afterEach(async () => {
  await egress.close();
  await simulator.close();
});

function clientOf(hosts: readonly string[], random = () => 0): WechatClient {
  const timing = {
    now: () => now,
    random,
    sleep: async (ms: number) => {
      pauses.push(ms);
    },
  };
  return wechatClient({ hosts, errorCodes: officialErrorCodes }, egress, timing, (ms) =>
    latenciesMs.push(ms),
  );
}

function fetchToken(client: WechatClient, secret: string = DEMO_ACCOUNT.secret) {
  return client.call({
    app: shop,
    path: '/cgi-bin/token',
    query: { grant_type: 'client_credential', appid: shop.appId, secret },
    calledWith: 'secret',
    answer: tokenAnswer,
  });
}

async function failure(promise: Promise<unknown>): Promise<SourceError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SourceError);
  return error as SourceError;
}

describe('a fault that passes is overcome within one call', () => {
  test.each([
    ['WeChat busy', { kind: 'errcode', errcode: -1, errmsg: 'system error' }],
    ['an empty body', { kind: 'empty-body' }],
    ['a body that is not JSON', { kind: 'not-json' }],
    ['HTTP 502', { kind: 'http-status', status: 502 }],
    ['a connection that breaks', { kind: 'drop-before' }],
  ] as const)('%s', async (_name, fault) => {
    simulator.addFault({ ...fault, count: 2 });
    expect((await fetchToken(clientOf([simulator.url]))).answer.expiresInSeconds).toBe(7200);
    expect(simulator.calls('/cgi-bin/token')).toHaveLength(3);
    expect(pauses).toEqual([125, 250]);
  });
});

describe('a fault that stays is reported after four attempts', () => {
  test.each([
    ['-1', false, { kind: 'errcode', errcode: -1, errmsg: 'system error' }],
    ['empty-body', true, { kind: 'empty-body' }],
    ['not-json', true, { kind: 'not-json' }],
    ['http-502', true, { kind: 'http-status', status: 502 }],
    ['UND_ERR_SOCKET', true, { kind: 'drop-after' }],
  ] as const)('%s (may have rotated: %s)', async (code, mayHaveRotated, fault) => {
    simulator.addFault(fault);
    const error = await failure(fetchToken(clientOf([simulator.url], () => 0.999)));
    const upstreamCalls = mayHaveRotated ? 4 : 0;
    expect(error).toMatchObject({ code, kind: 'transient', mayHaveRotated, upstreamCalls });
    expect(error.message).toContain(new URL(simulator.url).host);
    expect(simulator.calls('/cgi-bin/token')).toHaveLength(4);
    expect(error.message).not.toContain(DEMO_ACCOUNT.secret);
  });

  test('but an answer that lacks the token at once: another call would only rotate once more', async () => {
    simulator.addFault({ kind: 'errcode', errcode: 0, errmsg: 'ok' });
    expect(await failure(fetchToken(clientOf([simulator.url])))).toMatchObject({
      code: 'bad-answer',
      kind: 'transient',
      isUnknownCode: true,
      mayHaveRotated: true,
      upstreamCalls: 1,
      message: expect.stringContaining('without a usable access_token'),
    });
    expect(simulator.calls('/cgi-bin/token')).toHaveLength(1);
  });
});

test('a host that is busy once is tried again before the next one', async () => {
  const nextHost = await startSimulator();
  simulator.addFault({ kind: 'errcode', errcode: -1, errmsg: 'system error', count: 1 });
  expect((await fetchToken(clientOf([simulator.url, nextHost.url]))).answer.expiresInSeconds).toBe(7200);
  expect(simulator.calls('/cgi-bin/token')).toHaveLength(2);
  expect(nextHost.calls()).toEqual([]);
  await nextHost.close();
});

test('a lost answer counts as a possible rotation, whatever the later attempts get', async () => {
  simulator.addFault({ kind: 'drop-after', count: 1 });
  simulator.addFault({ kind: 'errcode', errcode: -1, errmsg: 'system error' });
  const error = await failure(fetchToken(clientOf([simulator.url])));
  expect(error).toMatchObject({ code: '-1', mayHaveRotated: true, upstreamCalls: 1 });
  expect(simulator.calls('/cgi-bin/token')).toHaveLength(4);
});

test('a refusal is final: there is no second attempt', async () => {
  const error = await failure(fetchToken(clientOf([simulator.url]), 'wrong'));
  expect(error).toMatchObject({
    code: '40001',
    kind: 'configuration',
    rejectedCredential: 'secret',
    mayHaveRotated: false,
  });
  expect(simulator.calls('/cgi-bin/token')).toHaveLength(1);
});

describe('the next host is tried', () => {
  test('when one cannot be reached', async () => {
    const unreachable = await startSimulator();
    await unreachable.close();
    expect((await fetchToken(clientOf([unreachable.url, simulator.url]))).answer.expiresInSeconds).toBe(7200);
    expect(simulator.calls('/cgi-bin/token')).toHaveLength(1);
  });

  test.each([
    ['answers 502', { kind: 'http-status', status: 502 }],
    ['breaks the connection', { kind: 'outage' }],
  ] as const)('when one %s', async (_name, fault) => {
    const faulty = await startSimulator();
    faulty.addFault(fault);
    expect((await fetchToken(clientOf([faulty.url, simulator.url]))).answer.expiresInSeconds).toBe(7200);
    expect(faulty.calls('/cgi-bin/token')).toHaveLength(1);
    expect(simulator.calls('/cgi-bin/token')).toHaveLength(1);
    await faulty.close();
  });

  test('unless there is none: then the error shows no URL, and WeChat cannot have rotated', async () => {
    const unreachable = await startSimulator();
    await unreachable.close();
    const error = await failure(fetchToken(clientOf([unreachable.url])));
    const neverSent = { mayHaveRotated: false, upstreamCalls: 0 };
    expect(error).toMatchObject({ code: 'ECONNREFUSED', kind: 'transient', ...neverSent });
    expect(JSON.stringify([error.message, error.cause, error.stack])).not.toMatch(/secret=|demo-secret/);
  });
});

describe('the host that answers is remembered', () => {
  const MINUTES = 60_000;

  test('for ten minutes; then the first one is tried again', async () => {
    const first = await startSimulator();
    const client = clientOf([first.url, simulator.url]);
    const calls = () => [first, simulator].map((each) => each.calls('/cgi-bin/token').length);
    first.addFault({ kind: 'outage' });
    await fetchToken(client);
    expect(calls()).toEqual([1, 1]);

    now = 9 * MINUTES;
    await fetchToken(client);
    expect(calls()).toEqual([1, 2]);

    // Still down: tried once, and not again for ten minutes.
    now = 10 * MINUTES;
    await fetchToken(client);
    expect(calls()).toEqual([2, 3]);
    now = 19 * MINUTES;
    await fetchToken(client);
    expect(calls()).toEqual([2, 4]);

    first.clearFaults();
    now = 20 * MINUTES;
    await fetchToken(client);
    now = 21 * MINUTES;
    await fetchToken(client);
    expect(calls()).toEqual([4, 4]);
    await first.close();
  });

  test('until it fails itself, or the clock is set back', async () => {
    const first = await startSimulator();
    const client = clientOf([first.url, simulator.url]);
    first.addFault({ kind: 'http-status', status: 503, count: 1 });
    now = 60 * MINUTES;
    await fetchToken(client);
    simulator.addFault({ kind: 'http-status', status: 503, count: 1 });
    now = 61 * MINUTES;
    await fetchToken(client);
    expect(first.calls('/cgi-bin/token').map(({ outcome }) => outcome)).toEqual(['http-status', 'ok']);
    now = 10 * MINUTES;
    await fetchToken(client);
    expect(first.calls('/cgi-bin/token')).toHaveLength(3);
    await first.close();
  });

  test('also when its answer is a refusal', async () => {
    const second = await startSimulator();
    const client = clientOf([simulator.url, second.url]);
    await failure(fetchToken(client, 'wrong'));
    await fetchToken(client);
    expect(second.calls()).toEqual([]);
    await second.close();
  });
});

test('a call ends after eight seconds, with all its attempts', async () => {
  const silent: Server = createServer(() => undefined).listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  const address = silent.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const startedAt = performance.now();
  const error = await failure(fetchToken(clientOf([`http://127.0.0.1:${address.port}`])));
  expect(error).toMatchObject({ code: 'timeout', mayHaveRotated: true, upstreamCalls: 2 });
  expect(performance.now() - startedAt).toBeGreaterThan(7_900);
  expect(performance.now() - startedAt).toBeLessThan(9_000);
  silent.close();
}, 15_000);
