import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { shop, startWorld, type World } from '../../bench/harness/world.ts';

/** A suspicion is not a proof: what apps report, and what WeChat says once, is checked before anything rotates. */

const TOKEN = '/cgi-bin/token';
const PROBE = '/cgi-bin/openapi/quota/get';
const STABLE = '/cgi-bin/stable_token';
const START_MS = 1_767_225_600_000;

let world: World;
afterEach(() => world.close());

const sha256 = (value: string) => createHash('sha256').update(value).digest('hex');
const tokenCalls = () => world.simulator.calls(TOKEN).length;
const fingerprint = async () => (await world.record())?.current?.fingerprint;
const read = async (path: string) => {
  const { status, body } = await world.get(path);
  return { status, ...JSON.parse(body) };
};
const readCompatible = () =>
  read(`/cgi-bin/token?grant_type=client_credential&appid=${shop.appId}&secret=any`);
const health = async () => (await read('/health')).credentials[0];

describe('an app that reports a valid token', () => {
  test('F1: every 400 ms for 20 s rotates nothing, and no call of its neighbours fails', async () => {
    world = await startWorld();
    await world.tick();
    const value = world.parameter() ?? '';
    world.at(5);
    const outcomes = new Set<string>();
    for (let reports = 0; reports < 50; reports++) {
      world.clock.set(START_MS + 300_000 + reports * 400);
      const [result] = await world.invoke({ app: 'shop', rejected: sha256(value) });
      outcomes.add(`${result?.outcome}: ${result?.reason}`);
      expect(world.simulator.isTokenValid(value)).toBe(true);
      expect((await read('/apps/shop/access-token')).access_token).toBe(value);
    }
    expect([...outcomes]).toEqual(['fresh: report-unfounded']);
    expect(tokenCalls()).toBe(1);
    // One probe in 15 s, however many reports come.
    expect(world.simulator.calls(PROBE).length).toBeLessThanOrEqual(2);
    expect(world.notices).toEqual([]);
  });

  test('of a ticket that is valid gets the same one, at most once in 30 s', async () => {
    world = await startWorld({ app: { ...shop, tickets: ['jsapi'] } });
    await world.tick();
    world.at(5);
    const ticket = (await world.record('jsapi-ticket'))?.current?.fingerprint;
    const report = { app: 'shop', credential: 'jsapi-ticket', rejected: ticket };
    expect(await world.invoke(report)).toMatchObject([{ outcome: 'unchanged', reason: 'reported-rejected' }]);
    world.clock.advance(29_000);
    expect(await world.invoke(report)).toMatchObject([{ outcome: 'fresh' }]);
    expect(world.simulator.calls('/cgi-bin/ticket/getticket')).toHaveLength(2);
  });
});

describe('a token that WeChat rejects', () => {
  /** As after a reset of the AppSecret: the token is invalid, and no other can be had. */
  async function withInvalidToken(): Promise<void> {
    world = await startWorld();
    await world.tick();
    world.at(5);
    world.simulator.rotate(shop.appId);
    world.simulator.rotate(shop.appId);
    world.simulator.setSecret(shop.appId, 'reset');
  }

  test('F2: is not served any more, and health says so', async () => {
    await withInvalidToken();
    await world.invoke({ app: 'shop', rejected: await fingerprint() });
    expect(await read('/apps/shop/access-token')).toMatchObject({ status: 503, error: 'no-live-value' });
    expect(await readCompatible()).toMatchObject({ errcode: -1 });
    expect(await health()).toMatchObject({ state: 'rejected', expires_in: 0 });
    expect(await world.refresher.answer({ status: true })).toMatchObject({
      status: { apps: [{ credentials: [{ state: 'rejected' }] }] },
    });
    // The right secret, a tick, and all is well.
    world.parameters.put('/wechat/secrets/shop/app-secret', 'reset');
    world.at(6);
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed' }]);
    expect(await health()).toMatchObject({ state: 'live' });
  });

  test('is served for 60 s at most while it is only suspected', async () => {
    await withInvalidToken();
    // The check begins, and WeChat is not reached any more after the first refusal.
    world.simulator.addFault({
      kind: 'errcode',
      errcode: 40001,
      errmsg: 'invalid credential',
      routes: [PROBE, '/cgi-bin/get_api_domain_ip'],
      count: 1,
    });
    world.simulator.addFault({
      kind: 'errcode',
      errcode: -1,
      errmsg: 'system error',
      routes: [PROBE, '/cgi-bin/get_api_domain_ip'],
    });
    expect(await world.invoke({ app: 'shop', rejected: await fingerprint() })).toMatchObject([
      { outcome: 'fresh', reason: 'probe-failed' },
    ]);
    expect(await read('/apps/shop/access-token')).toMatchObject({ status: 200, expires_in: 60 });
    expect(await readCompatible()).toMatchObject({ expires_in: 60 });
    expect(await health()).toMatchObject({ state: 'suspect', expires_in: 60 });
  });

  test('is not called invalid before it is 30 s old', async () => {
    world = await startWorld();
    await world.tick();
    world.clock.advance(5_000);
    world.simulator.rotate(shop.appId);
    world.simulator.rotate(shop.appId);
    expect(await world.invoke({ app: 'shop', rejected: await fingerprint() })).toMatchObject([
      { outcome: 'fresh', reason: 'suspected' },
    ]);
    expect(await health()).toMatchObject({ state: 'suspect' });
    world.at(1);
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed', reason: 'rejected-by-wechat' }]);
    expect(world.simulator.isTokenValid(world.parameter() ?? '')).toBe(true);
  });

  test('is renewed 200 times a day at most, when other clients go on; then operators are notified', async () => {
    world = await startWorld();
    await world.tick();
    const record = await world.record();
    if (!record) throw new Error('no record');
    await world.store.swap(record, { ...record, automaticAt: START_MS, automaticToday: 199 });
    for (const minute of [1, 2, 3]) {
      world.at(minute);
      world.simulator.rotate(shop.appId);
      world.simulator.rotate(shop.appId);
      await world.invoke({ app: 'shop', rejected: await fingerprint() });
    }
    expect(tokenCalls()).toBe(2);
    expect(await world.tick()).toMatchObject([{ outcome: 'backing-off', reason: 'rotation-budget-spent' }]);
    expect(await health()).toMatchObject({ state: 'rejected' });
    expect(world.notices.filter(({ kind }) => kind === 'rotation-budget-spent')).toMatchObject([
      { notify: true, message: expect.stringContaining('renewed 200 times today') },
    ]);
    // Operators may force at any time.
    expect(await world.invoke({ app: 'shop', force: true })).toMatchObject([{ outcome: 'renewed' }]);
    expect(await health()).toMatchObject({ state: 'live' });
  });
});

describe('a WeChat that refuses 45 % of the calls with a valid token', () => {
  test('rotates nothing in a day of probes, reports and tickets', async () => {
    world = await startWorld({ app: { ...shop, tickets: ['jsapi'] }, probeMinutes: 3 });
    world.simulator.addFault({ kind: 'flapping', share: 0.45, seed: 20_261_125 });
    const day = 24 * 60;
    for (let minute = 0; minute < day; minute += 3) {
      world.at(minute);
      await world.tick();
      if (minute % 30 === 0) await world.invoke({ app: 'shop', rejected: await fingerprint() });
    }
    // One token every 100 minutes, and not one more.
    expect(tokenCalls()).toBeLessThanOrEqual(Math.ceil(day / 100));
    expect((await world.record())?.automaticToday).toBe(0);
    expect(world.notices).toEqual([]);
  }, 120_000);
});

describe('the early warning', () => {
  /** Reads every ten seconds, as an app would, and says for how long the token that it got was invalid. */
  async function invalidSeconds(minutes: number, eachMinute: (minute: number) => void): Promise<number> {
    let seconds = 0;
    for (let tenSeconds = 0; tenSeconds < minutes * 6; tenSeconds++) {
      world.clock.set(Math.max(world.clock.now(), START_MS + tenSeconds * 10_000));
      if (tenSeconds % 6 === 0) {
        await world.tick();
        eachMinute(tenSeconds / 6);
      }
      const { access_token } = await read('/apps/shop/access-token');
      if (!world.simulator.isTokenValid(access_token)) seconds += 10;
    }
    return seconds;
  }

  test('another client that fetches the token costs readers no second, and no report', async () => {
    world = await startWorld({ probeMinutes: 3 });
    const seconds = await invalidSeconds(60, (minute) => {
      if ([7, 20, 33, 47].includes(minute)) world.simulator.rotate(shop.appId);
    });
    expect(seconds).toBe(0);
    // The first token, and one for each rotation of the other client.
    expect((await world.record())?.version).toBe(5);
    expect(world.notices.map(({ kind }) => kind)).toEqual(
      Array.from({ length: 4 }, () => 'unexpected-rotation'),
    );
  });

  test.each([
    ['lags by a minute', { lagMs: 60_000 }],
    ['lags by fourteen minutes', { lagMs: 840_000 }],
    ['stands at 0 for ever', { frozen: true }],
    ['is refused', { errcode: 76003 }],
  ] as const)('a count that %s raises no alarm of its own', async (_how, count) => {
    world = await startWorld({ probeMinutes: 3 });
    world.simulator.setCount(shop.appId, count);
    for (const minute of [0, 101, 202]) {
      world.at(minute);
      // A call of ours whose answer is lost may or may not have been counted.
      if (minute === 101) world.simulator.addFault({ kind: 'drop-after', routes: [TOKEN], count: 1 });
      for (let later = 0; later < 60; later++) {
        world.at(minute + later);
        await world.tick();
      }
    }
    expect((await world.record())?.automaticToday).toBe(0);
    expect(world.notices).toEqual([]);
  });
});

describe('a token that only a renewal helps', () => {
  test('F8: getticket answers -1000: the token is checked, renewed and the ticket asked for again', async () => {
    world = await startWorld({ app: { ...shop, tickets: ['jsapi'] } });
    await world.tick();
    world.at(30);
    world.simulator.refuseTickets(shop.appId);
    const force = { app: 'shop', credential: 'jsapi-ticket', force: true };
    await world.invoke(force);
    world.at(31);
    await world.tick();
    world.at(32);
    await world.tick();
    expect((await world.record('jsapi-ticket'))?.failure).toBeUndefined();
    expect(tokenCalls()).toBe(2);
  });

  test('F9: stable_token hands out what WeChat refuses: one forced refresh', async () => {
    world = await startWorld({ app: { ...shop, tokenApi: 'stable' } });
    await world.tick();
    world.at(30);
    world.simulator.invalidate(shop.appId, { api: 'stable', stillGranted: true });
    expect(await world.invoke({ app: 'shop', rejected: await fingerprint() })).toMatchObject([
      { outcome: 'renewed', reason: 'rejected-by-wechat', version: 2 },
    ]);
    expect(world.simulator.isTokenValid(world.parameter() ?? '')).toBe(true);
    expect(await health()).toMatchObject({ state: 'live' });
    // The first, one that was unchanged, one that was forced.
    expect(world.simulator.calls(STABLE)).toHaveLength(3);
    expect((await world.record())?.forcedToday).toBe(1);
  });
});

describe('what operators are notified of', () => {
  const refusedIp = (ip: string) =>
    world.simulator.addFault({
      kind: 'errcode',
      errcode: 40164,
      errmsg: `invalid ip ${ip} ipv6 ::ffff:${ip}, not in whitelist rid: 1-2-3`,
      routes: [TOKEN],
      count: 1,
    });
  const notified = () => world.notices.filter(({ notify }) => notify).map(({ message }) => message);

  test('F6: each address that WeChat refuses, once', async () => {
    world = await startWorld();
    for (const [index, ip] of [
      '203.0.113.7',
      '203.0.113.8',
      '203.0.113.7',
      '203.0.113.8',
      '203.0.113.9',
    ].entries()) {
      world.at(index * 11);
      refusedIp(ip);
      await world.tick();
    }
    expect(notified().map((message) => /the IP (\S+) /.exec(message)?.[1])).toEqual([
      '203.0.113.7',
      '203.0.113.8',
      '203.0.113.9',
    ]);
  });

  test("F7: a code that no table knows, in WeChat's own words, after five refusals in a row", async () => {
    world = await startWorld();
    world.simulator.addFault({
      kind: 'errcode',
      errcode: 50099,
      errmsg: 'user is limited in a new way rid: 1-2-3',
      routes: [TOKEN],
    });
    for (let attempt = 1; attempt <= 4; attempt++) {
      world.at(attempt);
      await world.tick();
    }
    expect(notified()).toEqual([]);
    world.at(5);
    await world.tick();
    expect(notified()).toEqual([expect.stringContaining('user is limited in a new way')]);
    expect((await world.record())?.failure).toMatchObject({ code: '50099', kind: 'configuration', count: 5 });
  });

  test('F11: both, when the quota is spent and the stable interface refuses, too', async () => {
    world = await startWorld();
    world.simulator.addFault({
      kind: 'errcode',
      errcode: 45009,
      errmsg: 'reach max api daily quota limit',
      routes: [TOKEN],
    });
    world.simulator.addFault({
      kind: 'errcode',
      errcode: 48001,
      errmsg: 'api unauthorized',
      routes: [STABLE],
    });
    const [result] = await world.tick();
    expect(result).toMatchObject({ outcome: 'failed', error: { code: '45009' } });
    expect(result?.error?.message).toMatch(
      /45009: .* The stable interface could not be used instead: .* 48001: /,
    );
    expect(notified()).toEqual([result?.error?.message]);
  });
});
