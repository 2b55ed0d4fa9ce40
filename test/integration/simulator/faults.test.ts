import { describe, expect, test } from 'vitest';
import { DEMO_ACCOUNT } from '../../../local/simulator/simulator.ts';
import { openSimulator } from './harness.ts';

const { appId, secret } = DEMO_ACCOUNT;
const tokenPath = '/cgi-bin/token';

const open = async () => {
  const opened = await openSimulator();
  const query = new URLSearchParams({ grant_type: 'client_credential', appid: appId, secret });
  return { ...opened, fetchToken: () => fetch(`${opened.simulator.url}${tokenPath}?${query}`) };
};

describe('faults before WeChat has done anything', () => {
  test.each([
    [{ kind: 'http-status', status: 502 }, 502, 'text/html', /502/],
    [{ kind: 'empty-body' }, 200, 'text/html', /^$/],
    [{ kind: 'not-json' }, 200, 'text/html', /^<html>/],
    [
      { kind: 'errcode', errcode: -1, errmsg: 'system error' },
      200,
      null,
      /^{"errcode":-1,"errmsg":"system error\W+rid: /,
    ],
  ] as const)('%j', async (fault, status, contentType, body) => {
    const { simulator, fetchToken } = await open();
    simulator.addFault({ ...fault, count: 1 });
    const response = await fetchToken();
    expect(response.status).toBe(status);
    if (contentType) expect(response.headers.get('content-type')).toBe(contentType);
    expect(await response.text()).toMatch(body);
    expect(simulator.currentToken(appId, 'classic')).toBeUndefined();
    expect(simulator.calls()).toMatchObject([{ route: tokenPath, outcome: fault.kind }]);
  });

  test.each(['drop-before', 'outage'] as const)('%s cuts the connection', async (kind) => {
    const { simulator, fetchToken } = await open();
    simulator.addFault({ kind });
    await expect(fetchToken()).rejects.toThrow('fetch failed');
    expect(simulator.currentToken(appId, 'classic')).toBeUndefined();
    simulator.clearFaults();
    expect((await fetchToken()).status).toBe(200);
    expect(simulator.calls().map(({ outcome }) => outcome)).toEqual([kind, 'ok']);
  });
});

describe('faults after WeChat has done its work', () => {
  test('drop-after rotates the token and loses the answer', async () => {
    const { at, simulator, classic, fetchToken, probe } = await open();
    const { access_token: ours } = await classic();
    simulator.addFault({ kind: 'drop-after', count: 1 });
    await expect(fetchToken()).rejects.toThrow('fetch failed');
    const lost = simulator.currentToken(appId, 'classic');
    expect(lost).toMatch(/^simclassic_/);
    expect(lost).not.toBe(ours);
    at(301);
    expect(await probe(ours)).toBe(40001);
    expect(simulator.calls(tokenPath).map(({ outcome }) => outcome)).toEqual(['ok', 'drop-after']);
  });

  test('delay rotates at once and answers late', async () => {
    const { simulator, fetchToken } = await open();
    simulator.addFault({ kind: 'delay', ms: 150 });
    const started = performance.now();
    const answer = fetchToken();
    await expect.poll(() => simulator.currentToken(appId, 'classic'), { interval: 5 }).toBeDefined();
    expect(performance.now() - started).toBeLessThan(140);
    expect(await (await answer).json()).toMatchObject({
      access_token: simulator.currentToken(appId, 'classic'),
    });
    expect(performance.now() - started).toBeGreaterThan(145);
    expect(simulator.calls()).toMatchObject([{ outcome: 'ok' }]);
  });
});

describe('which requests a fault applies to', () => {
  test('queued faults apply in order, each as often as its count', async () => {
    const { simulator, fetchToken } = await open();
    simulator.addFault({ kind: 'http-status', status: 500, count: 2 });
    simulator.addFault({ kind: 'http-status', status: 503, count: 1 });
    const statuses = [];
    for (let call = 0; call < 4; call += 1) statuses.push((await fetchToken()).status);
    expect(statuses).toEqual([500, 500, 503, 200]);
  });

  test('a fault without a count applies until it is cleared', async () => {
    const { simulator, fetchToken } = await open();
    simulator.addFault({ kind: 'http-status', status: 500 });
    for (let call = 0; call < 3; call += 1) expect((await fetchToken()).status).toBe(500);
    simulator.clearFaults();
    expect((await fetchToken()).status).toBe(200);
  });

  test('only to its routes', async () => {
    const { simulator, stable, fetchToken } = await open();
    simulator.addFault({ kind: 'http-status', status: 500, routes: [tokenPath] });
    expect((await stable()).access_token).toBeDefined();
    expect((await fetchToken()).status).toBe(500);
  });

  test('only to its hosts, so that the first host can be down while the second is up', async () => {
    const { simulator, fetchToken } = await open();
    const { port } = new URL(simulator.url);
    simulator.addFault({ kind: 'outage', hosts: ['127.0.0.1'] });
    await expect(fetchToken()).rejects.toThrow('fetch failed');
    expect((await fetch(`http://localhost:${port}${tokenPath}`)).status).toBe(200);
    simulator.clearFaults();
    simulator.addFault({ kind: 'outage', hosts: [`localhost:${port}`] });
    await expect(fetch(`http://localhost:${port}${tokenPath}`)).rejects.toThrow('fetch failed');
    expect((await fetchToken()).status).toBe(200);
    expect(simulator.calls().map(({ host }) => host)).toEqual(
      ['127.0.0.1', 'localhost', 'localhost', '127.0.0.1'].map((name) => `${name}:${port}`),
    );
  });

  test('never to the control API', async () => {
    const { simulator } = await open();
    simulator.addFault({ kind: 'outage' });
    expect((await fetch(`${simulator.url}/_simulator/state`)).status).toBe(200);
  });
});
