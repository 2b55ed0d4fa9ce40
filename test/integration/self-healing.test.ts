import { afterEach, describe, expect, test } from 'vitest';
import { startRefresherProcess } from '../../bench/harness/start-refresher-process.ts';
import { crm, shop, startWorld, TICK, type World } from '../../bench/harness/world.ts';

/** What others do to our tokens, and how long readers feel it. */

const PROBE = '/cgi-bin/get_api_domain_ip';
const TOKEN = '/cgi-bin/token';

let world: World;
afterEach(() => world.close());

const served = async (app = 'shop') =>
  JSON.parse((await world.get(`/apps/${app}/access-token`)).body).access_token as string;
/** Whether an app that reads now gets a token that WeChat accepts. */
const isAlive = async (app = 'shop') => world.simulator.isTokenValid(await served(app));

/** Twice: "only the immediately previous one is covered", so ours is dead at once. */
function rogueKills(appId = shop.appId): void {
  world.simulator.rotate(appId);
  world.simulator.rotate(appId);
}

describe('the probe', () => {
  test('asks every five minutes, and no more often', async () => {
    world = await startWorld({ probeMinutes: 5 });
    for (let minute = 0; minute < 60; minute++) {
      world.at(minute);
      // Ticks are delivered twice at times.
      await world.tick();
      await world.tick();
    }
    const minutes = world.simulator.calls(PROBE).map(({ at }) => (at - 1_767_225_600_000) / 60_000);
    expect(minutes).toEqual([5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55]);
    expect(world.simulator.calls(TOKEN)).toHaveLength(1);
    expect(world.notices).toEqual([]);
  });

  test('is off with 0', async () => {
    world = await startWorld({ probeMinutes: 0 });
    await world.tick();
    world.at(60);
    expect(await world.tick()).toMatchObject([{ outcome: 'fresh', reason: 'healthy' }]);
    expect(world.simulator.calls(PROBE)).toEqual([]);
  });

  test('finds a rogue rotation within probeMinutes and a tick, renews, counts it and tells ops', async () => {
    world = await startWorld({ probeMinutes: 5 });
    await world.tick();
    let deadMinutes = 0;
    for (let minute = 1; minute <= 20; minute++) {
      world.at(minute);
      if (minute === 11) rogueKills();
      const results = await world.tick();
      if (!(await isAlive())) deadMinutes += 1;
      if (minute === 15)
        expect(results).toMatchObject([{ outcome: 'renewed', reason: 'rejected-by-wechat', version: 2 }]);
    }
    // Killed right after the look at minute 10, so found at minute 15.
    expect(deadMinutes).toBe(4);
    expect(world.parameter()).toBe(await served());
    expect(world.notices).toEqual([
      {
        kind: 'unexpected-rotation',
        app: 'shop',
        credential: 'access-token',
        notify: true,
        message: expect.stringMatching(
          /^The access-token of app 'shop' became invalid before its time .* Find the program/,
        ),
      },
    ]);
  });

  test('ops are told once an hour of somebody who goes on, and each time is counted', async () => {
    world = await startWorld({ probeMinutes: 5 });
    for (let minute = 0; minute <= 90; minute++) {
      world.at(minute);
      if (minute % 10 === 1) rogueKills();
      await world.tick();
    }
    expect(world.notices).toHaveLength(9);
    expect(world.notices.filter(({ notify }) => notify)).toHaveLength(2);
    expect(await isAlive()).toBe(true);
  });

  test('of 200 concurrent ticks from 2 processes one asks', async () => {
    world = await startWorld();
    await world.tick();
    world.at(5);
    const processes = await Promise.all([1, 2].map(() => startRefresherProcess(world, { probeMs: 300_000 })));
    try {
      const events = Array.from({ length: 100 }, () => TICK);
      const results = (await Promise.all(processes.map((each) => each.run(events)))).flat();
      expect(results.map((result) => (result === 'killed' ? result : result.outcome))).toEqual(
        Array.from({ length: 200 }, () => 'fresh'),
      );
      expect(world.simulator.calls(PROBE)).toHaveLength(1);
    } finally {
      for (const each of processes) each.stop();
    }
  });

  test('that gets no answer changes nothing, and is tried again at the next tick', async () => {
    world = await startWorld({ probeMinutes: 5 });
    await world.tick();
    const before = await served();
    world.at(5);
    world.simulator.addFault({ kind: 'errcode', errcode: -1, errmsg: 'system error', count: 4 });
    expect(await world.tick()).toMatchObject([
      { outcome: 'fresh', reason: 'probe-failed', version: 1, error: { code: '-1' } },
    ]);
    expect(await served()).toBe(before);
    world.at(6);
    expect(await world.tick()).toMatchObject([{ outcome: 'fresh', reason: 'probed', version: 1 }]);
    expect(world.simulator.calls(TOKEN)).toHaveLength(1);
  });

  test('does not hold up a forced refresh', async () => {
    world = await startWorld({ probeMinutes: 5 });
    await world.tick();
    world.at(5);
    world.simulator.addFault({ kind: 'delay', ms: 300, routes: [PROBE], count: 1 });
    const [probing, forced] = await Promise.all([
      world.tick(),
      new Promise((resolve) => setTimeout(resolve, 100)).then(() =>
        world.invoke({ app: 'shop', force: true }),
      ),
    ]);
    expect(forced).toMatchObject([{ outcome: 'renewed', version: 2 }]);
    expect(probing).toMatchObject([{ outcome: 'fresh' }]);
    expect(world.simulator.calls(TOKEN)).toHaveLength(2);
    expect(await isAlive()).toBe(true);
  });

  test('finds a WeCom token that was invalidated early', async () => {
    world = await startWorld({ others: [crm], probeMinutes: 5 });
    await world.tick();
    world.at(3);
    world.simulator.invalidateWecomToken(crm.corpId, crm.agentId);
    expect(await isAlive('crm')).toBe(false);
    world.at(5);
    await world.tick();
    expect(await isAlive('crm')).toBe(true);
    expect(world.notices).toMatchObject([{ kind: 'unexpected-rotation', app: 'crm' }]);
  });
});

test('a report heals a rogue rotation at once, and is told as one', async () => {
  world = await startWorld();
  await world.tick();
  const { fingerprint } = (await world.record())?.current ?? {};
  world.at(7);
  rogueKills();
  expect(await world.invoke({ app: 'shop', rejected: fingerprint })).toMatchObject([
    { outcome: 'renewed', reason: 'reported-rejected' },
  ]);
  expect(await isAlive()).toBe(true);
  expect(world.notices).toMatchObject([{ kind: 'unexpected-rotation', notify: true }]);
});

test('a report of a WeCom token that WeCom still returns is no rotation', async () => {
  world = await startWorld({ others: [crm] });
  await world.tick();
  const { fingerprint } = (await world.record('access-token', 'crm'))?.current ?? {};
  world.at(7);
  expect(await world.invoke({ app: 'crm', rejected: fingerprint })).toMatchObject([
    { credential: 'access-token', outcome: 'unchanged', reason: 'reported-rejected' },
    { credential: 'jsapi-ticket', outcome: 'fresh' },
    { credential: 'agent-config-ticket', outcome: 'fresh' },
  ]);
  expect(world.notices).toEqual([]);
});

describe('a ticket that is refused with a dead-token code', () => {
  const app = { ...shop, tickets: ['jsapi', 'wx_card'] as const };

  test('heals its token first, within the tick', async () => {
    world = await startWorld({ app });
    await world.tick();
    world.at(99);
    rogueKills();
    // The tickets have ended and the token seems healthy, as far as we know.
    const record = await world.record('jsapi-ticket');
    const ended = { ...record?.current, expiresAt: world.clock.now() - 2_000 };
    await world.store.swap(record, { ...record, current: ended } as NonNullable<typeof record>);
    expect(await world.tick()).toMatchObject([
      { credential: 'access-token', outcome: 'renewed', reason: 'rejected-by-wechat', version: 2 },
      // WeChat's ticket is not over; what counts is that it let us ask.
      { credential: 'jsapi-ticket', outcome: 'unchanged' },
      { credential: 'wx-card-ticket', outcome: 'fresh' },
    ]);
    expect(await isAlive()).toBe(true);
    expect(world.notices).toMatchObject([{ kind: 'unexpected-rotation', credential: 'access-token' }]);
  });

  test('asks with the new token when somebody else is healing it already', async () => {
    world = await startWorld({ app });
    await world.tick();
    world.at(30);
    rogueKills();
    const other = world.another();
    const force = { app: 'shop', credential: 'jsapi-ticket', force: true };
    const answers = await Promise.all([
      world.invoke(force),
      other.run({ app: 'shop', credential: 'wx-card-ticket', force: true }),
    ]);
    // Whoever came second may have found the token's lease held; its tick comes again.
    world.at(31);
    await world.tick();
    expect(answers).toHaveLength(2);
    expect(world.simulator.calls(TOKEN).length).toBe(2);
    expect(await isAlive()).toBe(true);
    for (const name of ['jsapi-ticket', 'wx-card-ticket'] as const) {
      expect((await world.record(name))?.failure).toBeUndefined();
    }
  });

  test('fails for itself when the token cannot be healed', async () => {
    world = await startWorld({ app });
    await world.tick();
    world.at(30);
    rogueKills();
    world.simulator.addFault({ kind: 'errcode', errcode: -1, errmsg: 'busy', routes: [TOKEN] });
    const before = world.simulator.calls('/cgi-bin/ticket/getticket').length;
    expect(await world.invoke({ app: 'shop', credential: 'jsapi-ticket', force: true })).toMatchObject([
      { credential: 'jsapi-ticket', outcome: 'failed', error: { code: '40001' } },
    ]);
    // Nobody asks again with a token that has just been refused.
    expect(world.simulator.calls('/cgi-bin/ticket/getticket')).toHaveLength(before + 1);
    world.simulator.clearFaults();
    world.at(31);
    await world.tick();
    expect(await isAlive()).toBe(true);
  });
});

describe("the day's classic calls are used up (45009)", () => {
  /** Ticks every other minute; how many of them left readers without a live token. */
  async function gapsFrom(start: number, end: number): Promise<number> {
    let gaps = 0;
    for (let minute = start; minute < end; minute += 2) {
      world.at(minute);
      await world.tick();
      if ((await world.get('/apps/shop/access-token')).status !== 200 || !(await isAlive())) gaps += 1;
    }
    return gaps;
  }

  test('at noon: readers see no gap, ops get one notice, and classic is back the next day', async () => {
    world = await startWorld({ probeMinutes: 5 });
    // The world begins at 08:00 in Beijing.
    expect(await gapsFrom(0, 4 * 60)).toBe(0);
    world.simulator.burnDailyQuota(shop.appId);
    expect(await gapsFrom(4 * 60, 16 * 60)).toBe(0);
    expect(world.notices).toMatchObject([{ kind: 'classic-quota-spent', app: 'shop', notify: true }]);
    expect(await served()).toBe(world.simulator.currentToken(shop.appId, 'stable'));
    const refusedBefore = world.simulator.calls(TOKEN).filter(({ outcome }) => outcome === 'refused');
    expect(refusedBefore).toHaveLength(1);

    expect(await gapsFrom(16 * 60, 20 * 60)).toBe(0);
    expect(await served()).toBe(world.simulator.currentToken(shop.appId, 'classic'));
    expect(world.notices).toHaveLength(1);
    expect(await world.parameter()).toBe(await served());
  });

  test('by a rogue who rotates: healed by the probe, through the stable interface', async () => {
    world = await startWorld({ probeMinutes: 5 });
    await world.tick();
    world.at(1);
    rogueKills();
    world.simulator.burnDailyQuota(shop.appId);
    expect(await gapsFrom(2, 30)).toBe(2);
    expect(await served()).toBe(world.simulator.currentToken(shop.appId, 'stable'));
    expect(world.notices.map(({ kind }) => kind).sort()).toEqual([
      'classic-quota-spent',
      'unexpected-rotation',
    ]);
  });

  test('again on the next day: one notice for each day', async () => {
    world = await startWorld();
    world.simulator.burnDailyQuota(shop.appId);
    expect(await gapsFrom(0, 16 * 60)).toBe(0);
    world.at(16 * 60);
    world.simulator.burnDailyQuota(shop.appId);
    expect(await gapsFrom(16 * 60, 20 * 60)).toBe(0);
    expect(world.notices).toHaveLength(2);
  });

  test('while stable_token fails too: the old token is served while it lives, and the next tick tries again', async () => {
    world = await startWorld();
    await world.tick();
    world.simulator.burnDailyQuota(shop.appId);
    world.simulator.addFault({
      kind: 'errcode',
      errcode: -1,
      errmsg: 'busy',
      routes: ['/cgi-bin/stable_token'],
    });
    expect(await gapsFrom(1, 110)).toBe(0);
    expect(world.notices).toEqual([]);
    world.simulator.clearFaults();
    expect(await gapsFrom(110, 130)).toBe(0);
    expect(await served()).toBe(world.simulator.currentToken(shop.appId, 'stable'));
  });

  test('a forced refresh during the fallback uses force_refresh', async () => {
    world = await startWorld();
    world.simulator.burnDailyQuota(shop.appId);
    await world.tick();
    const before = await served();
    world.at(10);
    expect(await world.invoke({ app: 'shop', force: true })).toMatchObject([{ outcome: 'renewed' }]);
    expect(await served()).not.toBe(before);
    expect(await served()).toBe(world.simulator.currentToken(shop.appId, 'stable'));
  });

  test('45009 of an app that is on stable_token falls back to nothing', async () => {
    world = await startWorld({ app: { ...shop, tokenApi: 'stable' } });
    world.simulator.addFault({
      kind: 'errcode',
      errcode: 45009,
      errmsg: 'quota',
      routes: ['/cgi-bin/stable_token'],
    });
    expect(await world.tick()).toMatchObject([{ outcome: 'failed', error: { code: '45009' } }]);
    expect(world.simulator.calls(TOKEN)).toEqual([]);
    expect(world.notices).toEqual([]);
  });
});
