import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { DEMO_ACCOUNT, openSimulator as openInProcess } from '../../../local/simulator/simulator.ts';
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
    expect(simulator.calls()).toMatchObject([{ route: tokenPath, outcome: fault.kind, executed: false }]);
  });

  test.each(['drop-before', 'outage'] as const)('%s cuts the connection', async (kind) => {
    const { simulator, fetchToken } = await open();
    simulator.addFault({ kind });
    await expect(fetchToken()).rejects.toThrow('fetch failed');
    expect(simulator.currentToken(appId, 'classic')).toBeUndefined();
    simulator.clearFaults();
    expect((await fetchToken()).status).toBe(200);
    expect(simulator.calls()).toMatchObject([
      { outcome: kind, executed: false },
      { outcome: 'ok', executed: true },
    ]);
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
    expect(simulator.calls(tokenPath)).toMatchObject([
      { outcome: 'ok', executed: true },
      { outcome: 'drop-after', executed: true },
    ]);
  });

  test('drop-after of a refused call: the log has the code that the caller never saw', async () => {
    const { simulator, classic } = await open();
    simulator.addFault({ kind: 'drop-after' });
    await expect(classic({ secret: 'wrong' })).rejects.toThrow('fetch failed');
    expect(simulator.calls()).toMatchObject([{ outcome: 'drop-after', executed: true, errcode: 40001 }]);
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
    expect(simulator.calls()).toMatchObject([{ outcome: 'ok', executed: true }]);
  });
});

describe('any code on any route', () => {
  test.each([-1, -1000, 40164, 45009, 48001, 50001, 61004, 99_999])('%d', async (errcode) => {
    const { simulator, classic, stable, wecom, ticket, count, send } = await open();
    const { access_token } = await classic();
    simulator.addFault({ kind: 'errcode', errcode, errmsg: 'words of WeChat' });
    const answers = [await classic(), await stable(), await wecom(), await ticket(access_token)];
    for (const answer of [...answers, await count(access_token)]) {
      expect(answer).toEqual({ errcode, errmsg: expect.stringMatching(/^words of WeChat\W+(rid|hint): /) });
    }
    expect(await send(access_token)).toBe(errcode);
    expect(simulator.calls().slice(1)).toHaveLength(6);
    for (const call of simulator.calls().slice(1)) {
      expect(call).toMatchObject({ outcome: 'errcode', executed: false, errcode });
    }
  });

  test('45009 on the classic interface and 48001 on the stable one', async () => {
    const { simulator, classic, stable } = await open();
    simulator.burnDailyQuota(appId);
    const routes = ['/cgi-bin/stable_token'];
    simulator.addFault({ kind: 'errcode', errcode: 48001, errmsg: 'api unauthorized', routes });
    expect([(await classic()).errcode, (await stable()).errcode]).toEqual([45009, 48001]);
  });
});

describe('a body that was made up', () => {
  test('replaces the answer with these bytes, and the call is carried out', async () => {
    const { simulator, fetchToken } = await open();
    const bytes = Buffer.from([0x7b, 0xff, 0x7d]);
    simulator.addFault({
      kind: 'body',
      body: { base64: bytes.toString('base64') },
      status: 409,
      contentType: 'application/octet-stream',
      count: 1,
    });
    const response = await fetchToken();
    expect(response.status).toBe(409);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    expect(simulator.currentToken(appId, 'classic')).toBeDefined();
    expect(simulator.calls()).toMatchObject([{ outcome: 'body', executed: true }]);
  });

  test('has status 200 and a content type of WeChat’s, unless others are given', async () => {
    const { simulator, fetchToken } = await open();
    simulator.addFault({ kind: 'body', body: '{"errcode":0,"errcode":40001}' });
    const response = await fetchToken();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json; encoding=utf-8$|^text\/plain$/);
    expect(await response.text()).toBe('{"errcode":0,"errcode":40001}');
  });

  test('may say that it is encoded', async () => {
    const { simulator, fetchToken } = await open();
    const packed = gzipSync('{"errcode":-1}').toString('base64');
    simulator.addFault({ kind: 'body', body: { base64: packed }, contentEncoding: 'gzip' });
    // `fetch` unpacks it, because of the header.
    expect(await (await fetchToken()).json()).toEqual({ errcode: -1 });
  });

  test('executed: false keeps the call from WeChat', async () => {
    const { simulator, fetchToken } = await open();
    simulator.addFault({ kind: 'body', body: '{"errcode":50001}', executed: false });
    expect(await (await fetchToken()).json()).toEqual({ errcode: 50001 });
    expect(simulator.currentToken(appId, 'classic')).toBeUndefined();
    expect(simulator.calls()).toMatchObject([{ outcome: 'body', executed: false }]);
  });
});

describe('flapping', () => {
  /** Of so many calls with a valid token, the numbers of those that were refused. */
  const refusedOf = async (probe: () => Promise<number>, calls: number) => {
    const refused = [];
    for (let call = 0; call < calls; call += 1) if ((await probe()) === 40001) refused.push(call);
    return refused;
  };
  const flapping = async (fault: { share: number; seed?: number; count?: number; routes?: string[] }) => {
    const opened = await open();
    const { access_token: token = '' } = await opened.classic();
    opened.simulator.addFault({ kind: 'flapping', ...fault });
    return { ...opened, token, refused: (calls: number) => refusedOf(() => opened.probe(token), calls) };
  };

  test('refuses this share of the calls with a valid token, and rotates nothing', async () => {
    const { simulator, token, refused } = await flapping({ share: 0.45 });
    const share = (await refused(1000)).length / 1000;
    expect(share).toBeGreaterThan(0.4);
    expect(share).toBeLessThan(0.5);
    expect(simulator.isTokenValid(token)).toBe(true);
    expect(simulator.currentToken(appId, 'classic')).toBe(token);
  });

  test.each([
    [0, 0],
    [1, 20],
  ])('a share of %d refuses %d of 20', async (share, expected) => {
    const { refused } = await flapping({ share });
    expect(await refused(20)).toHaveLength(expected);
  });

  test('the same seed refuses the same calls, another one others', async () => {
    const calls = async (seed?: number) => {
      const { refused } = await flapping({ share: 0.45, ...(seed !== undefined && { seed }) });
      return refused(40);
    };
    const byDefault = await calls();
    expect(await calls()).toEqual(byDefault);
    expect(await calls(1)).toEqual(byDefault);
    expect(await calls(2)).not.toEqual(byDefault);
  });

  test('has a sequence of its own: other calls do not shift it', async () => {
    const alone = await flapping({ share: 0.45, routes: ['/cgi-bin/get_api_domain_ip'] });
    const among = await flapping({ share: 0.45, routes: ['/cgi-bin/get_api_domain_ip'] });
    const undisturbed = await refusedOf(() => alone.probe(alone.token), 40);
    const disturbed = await refusedOf(async () => {
      await among.send(among.token);
      await among.probe('never-was-one');
      return among.probe(among.token);
    }, 40);
    expect(disturbed).toEqual(undisturbed);
    expect(undisturbed.length).toBeGreaterThan(0);
  });

  test('affects its routes alone: an app’s calls but not the probe, or the other way round', async () => {
    const { token, probe, send, count, ticket } = await flapping({
      share: 1,
      routes: ['/cgi-bin/message/template/send', '/cgi-bin/ticket/getticket'],
    });
    expect(await send(token)).toBe(40001);
    expect((await ticket(token)).errcode).toBe(40001);
    expect(await probe(token)).toBe(0);
    expect((await count(token)).errcode).toBe(0);
  });

  test('refuses in the words of a dead token, and leaves the call undone', async () => {
    const { simulator, token, ticket } = await flapping({ share: 1 });
    expect(await ticket(token)).toEqual({
      errcode: 40001,
      errmsg: expect.stringMatching(/^invalid credential, access_token is invalid or not latest\W+rid: /),
    });
    expect(simulator.currentTicket(appId, 'jsapi')).toBeUndefined();
    expect(simulator.calls().at(-1)).toMatchObject({ outcome: 'flapping', executed: false, errcode: 40001 });
  });

  test('applies to valid tokens alone; calls with a secret and dead tokens have their own answers', async () => {
    const { at, classic, stable, probe, token, simulator, wecom } = await flapping({ share: 1 });
    expect(await probe('never-was-one')).toBe(40014);
    expect(await probe()).toBe(41001);
    expect(await probe((await stable()).access_token)).toBe(40001);
    expect(await probe((await wecom()).access_token)).toBe(40001);
    expect((await classic()).errcode).toBeUndefined();
    at(300);
    expect(await probe(token)).toBe(40001);
    at(7200);
    expect(await probe(token)).toBe(42001);
    expect(simulator.calls().at(-1)).toMatchObject({ outcome: 'refused', executed: true });
  });

  test('count counts what it refuses, and a fault behind it applies to the others', async () => {
    const { simulator, token, probe } = await flapping({ share: 0.5, count: 3 });
    simulator.addFault({ kind: 'errcode', errcode: -1, errmsg: 'system error', count: 3 });
    const answers = [];
    for (let call = 0; call < 20; call += 1) answers.push(await probe(token));
    expect(answers.filter((errcode) => errcode === 40001)).toHaveLength(3);
    expect(answers.filter((errcode) => errcode === -1)).toHaveLength(3);
    expect(answers.filter((errcode) => errcode === 0)).toHaveLength(14);
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
    const withSlashes = await fetch(`${simulator.url}//cgi-bin//token`);
    expect(withSlashes.status).toBe(500);
    expect(simulator.calls(tokenPath)).toHaveLength(2);
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

  test('one host says -1 for ever, another one grants', async () => {
    const { simulator, fetchToken } = await open();
    const { port } = new URL(simulator.url);
    const fault = { kind: 'errcode', errcode: -1, errmsg: 'system error' } as const;
    simulator.addFault({ ...fault, hosts: [`127.0.0.1:${port}`] });
    for (let call = 0; call < 3; call += 1)
      expect(await (await fetchToken()).json()).toMatchObject({ errcode: -1 });
    const query = new URLSearchParams({ grant_type: 'client_credential', appid: appId, secret });
    const second = await fetch(`http://localhost:${port}${tokenPath}?${query}`);
    expect(await second.json()).toHaveProperty('access_token');
  });

  test('in this process, by the host that the request names', () => {
    const { handler, operator } = openInProcess();
    operator.addFault({ kind: 'http-status', status: 412, hosts: ['api.weixin.qq.com'] });
    const query = new URLSearchParams({ grant_type: 'client_credential', appid: appId, secret });
    const ask = (host: string) =>
      handler.handle({ method: 'GET', path: tokenPath, host, query, json: undefined });
    expect(ask('api.weixin.qq.com')).toMatchObject({ status: 412 });
    expect(ask('api2.weixin.qq.com')).toMatchObject({ status: 200 });
  });

  test('never to the control API', async () => {
    const { simulator } = await open();
    simulator.addFault({ kind: 'outage' });
    expect((await fetch(`${simulator.url}/_simulator/state`)).status).toBe(200);
  });
});
