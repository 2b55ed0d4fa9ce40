import { afterEach, describe, expect, test } from 'vitest';
import { shop, startWorld, type World } from '../../bench/harness/world.ts';

const CLASSIC = '/cgi-bin/token';
const STABLE = '/cgi-bin/stable_token';

let world: World;
afterEach(() => world.close());

const served = async () =>
  JSON.parse((await world.get('/apps/shop/access-token')).body).access_token as string;

/** Ticks every other minute, and counts those after which readers had no valid token. */
async function gapsFrom(start: number, end: number): Promise<number> {
  let gaps = 0;
  for (let minute = start; minute < end; minute += 2) {
    world.at(minute);
    await world.tick();
    const { status, body } = await world.get('/apps/shop/access-token');
    if (status !== 200 || !world.simulator.isTokenValid(JSON.parse(body).access_token)) gaps += 1;
  }
  return gaps;
}

/** Mostly by another client: docs/wechat.md#classic-token. */
describe("the day's classic calls are used up (45009)", () => {
  test('at noon: readers see no gap, operators get one notice, and the classic interface is used again the next day', async () => {
    world = await startWorld({ probeMinutes: 5 });
    // The world begins at 08:00 in Beijing.
    expect(await gapsFrom(0, 4 * 60)).toBe(0);
    world.simulator.burnDailyQuota(shop.appId);
    expect(await gapsFrom(4 * 60, 16 * 60)).toBe(0);
    // WeChat counts calls that are not ours, so another client may have rotated the token.
    expect(world.notices).toMatchObject([
      { kind: 'classic-quota-spent', app: 'shop', notify: true },
      { kind: 'unexpected-rotation', app: 'shop', notify: true },
    ]);
    expect(await served()).toBe(world.simulator.currentToken(shop.appId, 'stable'));
    const refused = world.simulator.calls(CLASSIC).filter(({ outcome }) => outcome === 'refused');
    expect(refused).toHaveLength(1);

    expect(await gapsFrom(16 * 60, 20 * 60)).toBe(0);
    expect(await served()).toBe(world.simulator.currentToken(shop.appId, 'classic'));
    expect(world.notices).toHaveLength(2);
    expect(world.parameter()).toBe(await served());
  });

  test('by another client, which also rotates: a probe finds it, and the stable interface replaces the token', async () => {
    world = await startWorld({ probeMinutes: 5 });
    await world.tick();
    world.at(1);
    // Twice: only the immediately previous token has an overlap, so ours is invalid at once.
    world.simulator.rotate(shop.appId);
    world.simulator.rotate(shop.appId);
    world.simulator.burnDailyQuota(shop.appId);
    expect(await gapsFrom(2, 30)).toBe(2);
    expect(await served()).toBe(world.simulator.currentToken(shop.appId, 'stable'));
    expect(world.notices.map(({ kind }) => kind).sort()).toEqual([
      'classic-quota-spent',
      'unexpected-rotation',
    ]);
  });

  test('on two days in a row: operators get one notice for each day', async () => {
    world = await startWorld();
    world.simulator.burnDailyQuota(shop.appId);
    expect(await gapsFrom(0, 16 * 60)).toBe(0);
    world.at(16 * 60);
    world.simulator.burnDailyQuota(shop.appId);
    expect(await gapsFrom(16 * 60, 20 * 60)).toBe(0);
    expect(world.notices).toHaveLength(2);
  });

  test('while stable_token fails, too: the old token is served to its end, and each tick tries again', async () => {
    world = await startWorld();
    await world.tick();
    world.simulator.burnDailyQuota(shop.appId);
    world.simulator.addFault({
      kind: 'errcode',
      errcode: -1,
      errmsg: 'busy',
      routes: [STABLE],
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

  test('45009 of stable_token itself has no fallback', async () => {
    world = await startWorld({ app: { ...shop, tokenApi: 'stable' } });
    world.simulator.addFault({
      kind: 'errcode',
      errcode: 45009,
      errmsg: 'quota',
      routes: [STABLE],
    });
    expect(await world.tick()).toMatchObject([{ outcome: 'failed', error: { code: '45009' } }]);
    expect(world.simulator.calls(CLASSIC)).toEqual([]);
    expect(world.notices).toEqual([]);
  });
});
