import { afterEach, describe, expect, test } from 'vitest';
import { shop, startWorld, type World } from '../../bench/harness/world.ts';
import type { TokenApi } from '../../functions/core/credential.ts';
import { DEMO_ACCOUNT } from '../../local/simulator/simulator.ts';

/** What docs/migration.md promises. */

let world: World;
afterEach(() => world.close());

const current = async () => (await world.record())?.current?.value ?? '';

/** Another program that fetches the classic token. */
async function oldFetcher(): Promise<string> {
  const query = `grant_type=client_credential&appid=${shop.appId}&secret=${DEMO_ACCOUNT.secret}`;
  const response = await fetch(`${world.simulator.url}/cgi-bin/token?${query}`);
  const { access_token } = (await response.json()) as { access_token: string };
  return access_token;
}

test('beside an old fetcher of the classic token a stable one lives, and so does the other', async () => {
  world = await startWorld({ app: { ...shop, tokenApi: 'stable' }, probeMinutes: 5 });
  let theirs = '';
  for (let minute = 0; minute <= 300; minute++) {
    world.at(minute);
    if (minute % 110 === 0) theirs = await oldFetcher();
    await world.tick();
    expect(world.simulator.isTokenValid(await current()), `ours at ${minute}`).toBe(true);
    expect(world.simulator.isTokenValid(theirs), `theirs at ${minute}`).toBe(true);
  }
  expect(world.notices).toEqual([]);
});

describe('a switch of tokenApi has no gap', () => {
  test.each([
    ['stable', 'classic'],
    ['classic', 'stable'],
  ] as const)('from %s to %s', async (before: TokenApi, after: TokenApi) => {
    world = await startWorld({ app: { ...shop, tokenApi: before }, probeMinutes: 5 });
    const deployed = world.another({ apps: [{ ...shop, tokenApi: after }] });
    for (let minute = 0; minute <= 300; minute++) {
      world.at(minute);
      const { results } = await (minute < 30 ? world.refresher : deployed).run({});
      expect(results).not.toContainEqual(expect.objectContaining({ outcome: 'failed' }));
      expect(world.simulator.isTokenValid(await current()), `at ${minute}`).toBe(true);
    }
    const route = after === 'classic' ? '/cgi-bin/token' : '/cgi-bin/stable_token';
    expect(world.simulator.calls(route).length).toBeGreaterThan(0);
    expect(world.notices).toEqual([]);
  });
});

test('a classic cut-over: without a secret nothing is fetched, and with it the old token lives five minutes more', async () => {
  world = await startWorld({ withoutSecret: true });
  const theirs = await oldFetcher();
  for (let minute = 0; minute < 20; minute++) {
    world.at(minute);
    await world.tick();
  }
  expect(world.simulator.isTokenValid(theirs)).toBe(true);
  expect(world.notices).toMatchObject([{ kind: 'configuration-error' }]);

  world.parameters.put('/wechat/secrets/shop/app-secret', DEMO_ACCOUNT.secret);
  world.at(20);
  expect(await world.tick()).toMatchObject([{ outcome: 'renewed' }]);
  world.at(24.9);
  expect(world.simulator.isTokenValid(theirs)).toBe(true);
  world.at(25.1);
  expect(world.simulator.isTokenValid(theirs)).toBe(false);
  expect(world.simulator.isTokenValid(await current())).toBe(true);
});

test('a lost parameter is written again when its mark is taken away, without a call to WeChat', async () => {
  world = await startWorld();
  await world.tick();
  world.parameters.put('/wechat/tokens/shop/access-token', 'overwritten by hand');
  const record = await world.record();
  if (record) await world.store.swap(record, { ...record, mirroredVersion: 0 });
  world.at(1);
  expect(await world.tick()).toMatchObject([{ outcome: 'mirrored' }]);
  expect(world.parameter()).toBe(await current());
  expect(world.simulator.calls('/cgi-bin/token')).toHaveLength(1);
});
