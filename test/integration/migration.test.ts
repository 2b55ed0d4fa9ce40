import { afterEach, describe, expect, test } from 'vitest';
import { shop, startWorld, type World } from '../../bench/harness/world.ts';
import type { TokenApi } from '../../functions/core/credential.ts';
import { DEMO_ACCOUNT } from '../../local/simulator/simulator.ts';

/** What docs/migration.md promises. */

let world: World;
afterEach(() => world.close());

const ourToken = async () => (await world.record())?.current?.value ?? '';

/** A fetch of the classic token by the program that is being replaced. */
async function fetchByOldProgram(): Promise<string> {
  const query = `grant_type=client_credential&appid=${shop.appId}&secret=${DEMO_ACCOUNT.secret}`;
  const response = await fetch(`${world.simulator.url}/cgi-bin/token?${query}`);
  const { access_token } = (await response.json()) as { access_token: string };
  return access_token;
}

test('a stable token and the classic one of an old fetcher stay valid side by side', async () => {
  world = await startWorld({ app: { ...shop, tokenApi: 'stable' }, probeMinutes: 5 });
  let oldToken = '';
  for (let minute = 0; minute <= 300; minute++) {
    world.at(minute);
    if (minute % 110 === 0) oldToken = await fetchByOldProgram();
    await world.tick();
    expect(world.simulator.isTokenValid(await ourToken()), `ours at ${minute}`).toBe(true);
    expect(world.simulator.isTokenValid(oldToken), `old fetcher's at ${minute}`).toBe(true);
  }
  expect(world.notices).toEqual([]);
});

describe('a switch of tokenApi leaves no gap', () => {
  test.each([
    ['stable', 'classic'],
    ['classic', 'stable'],
  ] as const)('from %s to %s', async (before: TokenApi, after: TokenApi) => {
    world = await startWorld({ app: { ...shop, tokenApi: before }, probeMinutes: 5 });
    const redeployed = world.another({ apps: [{ ...shop, tokenApi: after }] });
    for (let minute = 0; minute <= 300; minute++) {
      world.at(minute);
      const { results } = await (minute < 30 ? world.refresher : redeployed).run({});
      expect(results).not.toContainEqual(expect.objectContaining({ outcome: 'failed' }));
      expect(world.simulator.isTokenValid(await ourToken()), `at ${minute}`).toBe(true);
    }
    const route = after === 'classic' ? '/cgi-bin/token' : '/cgi-bin/stable_token';
    expect(world.simulator.calls(route).length).toBeGreaterThan(0);
    expect(world.notices).toEqual([]);
  });
});

test('classic from the start: nothing is fetched before the secret is written, and the old token stays valid for five minutes after that', async () => {
  world = await startWorld({ withoutSecret: true });
  const oldToken = await fetchByOldProgram();
  for (let minute = 0; minute < 20; minute++) {
    world.at(minute);
    await world.tick();
  }
  expect(world.simulator.isTokenValid(oldToken)).toBe(true);
  expect(world.notices).toMatchObject([{ kind: 'configuration-error' }]);

  world.parameters.put('/wechat/secrets/shop/app-secret', DEMO_ACCOUNT.secret);
  world.at(20);
  expect(await world.tick()).toMatchObject([{ outcome: 'renewed' }]);
  world.at(24.9);
  expect(world.simulator.isTokenValid(oldToken)).toBe(true);
  world.at(25.1);
  expect(world.simulator.isTokenValid(oldToken)).toBe(false);
  expect(world.simulator.isTokenValid(await ourToken())).toBe(true);
});

test('a parameter that was overwritten by hand is written again when mirroredVersion is reset, without a call to WeChat', async () => {
  world = await startWorld();
  await world.tick();
  world.parameters.put('/wechat/tokens/shop/access-token', 'overwritten by hand');
  const record = await world.record();
  if (record) await world.store.swap(record, { ...record, mirroredVersion: 0 });
  world.at(1);
  expect(await world.tick()).toMatchObject([{ outcome: 'mirrored' }]);
  expect(world.parameter()).toBe(await ourToken());
  expect(world.simulator.calls('/cgi-bin/token')).toHaveLength(1);
});
