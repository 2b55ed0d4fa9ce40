import { afterEach, describe, expect, test } from 'vitest';
import { shop, startWorld, type World } from '../../bench/harness/world.ts';
import { DEMO_ACCOUNT } from '../../local/simulator/simulator.ts';

let world: World;
afterEach(() => world.close());

const SECRET = '/wechat/secrets/shop/app-secret';

describe('a configuration error', () => {
  test('40164 names the IP to allow; meanwhile the old token is served, and attempts become fewer', async () => {
    world = await startWorld();
    await world.tick();
    const old = world.parameter();
    world.simulator.setAllowedIps(shop.appId, ['198.51.100.1']);
    const outcomes: string[] = [];
    for (let minute = 100; minute < 119; minute++) {
      world.at(minute);
      const [result] = await world.tick();
      outcomes.push(result?.outcome ?? '');
      expect(result?.error).toEqual({
        code: '40164',
        message:
          "WeChat refused app 'shop' (wxdemo0123456789ab) with 40164: the IP 203.0.113.7 is not on the account's IP " +
          'allow-list. Add 203.0.113.7 on developers.weixin.qq.com/platform (我的业务 > 公众号/服务号 > 基础信息 > ' +
          `开发信息): IP白名单. WeChat's words: "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist".`,
      });
      expect(JSON.parse((await world.get('/apps/shop/access-token')).body).access_token).toBe(old);
    }
    expect(outcomes[0]).toBe('failed');
    // The pauses are 1, 2, 4, 8 minutes at most, so between 4 and 7 of 19 ticks call WeChat.
    const attempts = outcomes.filter((outcome) => outcome === 'failed').length;
    expect(attempts).toBeGreaterThanOrEqual(4);
    expect(attempts).toBeLessThanOrEqual(7);
    expect(outcomes.filter((outcome) => outcome === 'backing-off')).toHaveLength(19 - attempts);
    expect((await world.record())?.failure).toMatchObject({
      count: attempts,
      kind: 'configuration',
      code: '40164',
    });
  });

  test('a missing secret is reported with the parameter to write; the tick after that succeeds', async () => {
    world = await startWorld({ withoutSecret: true });
    for (const minute of [0, 1, 2, 3]) {
      world.at(minute);
      expect(await world.tick()).toMatchObject([{ error: { code: 'missing-secret' } }]);
    }
    expect((await world.record())?.failure?.message).toBe(
      "The AppSecret of app 'shop' is missing. Write it to the SSM SecureString /wechat/secrets/shop/app-secret; " +
        'the next tick picks it up.',
    );
    expect(world.simulator.calls()).toHaveLength(0);
    // The day's calls are counted for the alarm QuotaNear; WeChat got none.
    expect((await world.record())?.requestsToday).toBe(0);
    world.parameters.put(SECRET, `${DEMO_ACCOUNT.secret}\n`);
    world.at(3.1);
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed', version: 1 }]);
    expect(await world.record()).not.toHaveProperty('failure');
    expect((await world.record())?.requestsToday).toBe(1);
  });

  test('a secret that cannot be read is reported, and not counted as a call of the day', async () => {
    world = await startWorld();
    world.parameters.down = true;
    expect(await world.tick()).toMatchObject([{ outcome: 'failed', error: { code: 'secret-unreadable' } }]);
    expect(await world.record()).toMatchObject({ requestsToday: 0, leaseUntil: 0 });
    expect(world.simulator.calls()).toHaveLength(0);
    world.parameters.down = false;
    world.at(1);
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed', version: 1 }]);
  });

  test('a reset AppSecret is read again within the attempt; a wrong one, once corrected, is tried without the backoff', async () => {
    world = await startWorld();
    await world.tick();
    // WeChat rejects the cached secret, and SSM already has the new one: the attempt succeeds.
    world.simulator.setSecret(shop.appId, 'new-secret-1');
    world.parameters.put(SECRET, 'new-secret-1');
    world.at(100);
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed', version: 2 }]);

    world.simulator.setSecret(shop.appId, 'new-secret-2');
    world.at(200);
    expect(await world.tick()).toMatchObject([{ outcome: 'failed', error: { code: '40001' } }]);
    world.at(200.1);
    expect(await world.tick()).toMatchObject([{ outcome: 'backing-off' }]);
    world.parameters.put(SECRET, 'new-secret-2');
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed', version: 3 }]);
  });
});

describe('a value whose validity is unknown is renewed', () => {
  const isCurrentTokenValid = async () =>
    world.simulator.isTokenValid((await world.record())?.current?.value ?? '');

  test('after a forced refresh of a stable token whose answer was lost', async () => {
    world = await startWorld({ app: { ...shop, tokenApi: 'stable' } });
    await world.tick();
    world.at(10);
    world.simulator.addFault({ kind: 'drop-after' });
    expect(await world.invoke({ app: 'shop', force: true })).toMatchObject([{ outcome: 'failed' }]);
    world.simulator.clearFaults();
    world.at(11);
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed', reason: 'validity-unknown' }]);
    world.at(16);
    expect(await world.tick()).toMatchObject([{ outcome: 'fresh' }]);
    expect(await isCurrentTokenValid()).toBe(true);
  });

  test('after a report whose check failed', async () => {
    world = await startWorld();
    await world.tick();
    const fingerprint = (await world.record())?.current?.fingerprint;
    world.at(10);
    world.simulator.rotate(shop.appId);
    world.at(20);
    world.simulator.addFault({ kind: 'errcode', errcode: -1, errmsg: 'system error', count: 8 });
    expect(await world.invoke({ app: 'shop', rejected: fingerprint })).toMatchObject([
      { outcome: 'fresh', reason: 'probe-failed' },
    ]);
    expect(await isCurrentTokenValid()).toBe(false);
    world.at(21);
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed', reason: 'rejected-by-wechat' }]);
    expect(await isCurrentTokenValid()).toBe(true);
  });

  test('after a report of a stable token whose check failed', async () => {
    world = await startWorld({ app: { ...shop, tokenApi: 'stable' } });
    await world.tick();
    const fingerprint = (await world.record())?.current?.fingerprint;
    // Another client forces two refreshes, which invalidate the first token without an overlap.
    for (const minute of [10, 11]) {
      world.at(minute);
      const application = { grant_type: 'client_credential', appid: shop.appId, secret: DEMO_ACCOUNT.secret };
      await fetch(`${world.simulator.url}/cgi-bin/stable_token`, {
        method: 'POST',
        body: JSON.stringify({ ...application, force_refresh: true }),
      });
    }
    expect(await isCurrentTokenValid()).toBe(false);
    world.simulator.addFault({ kind: 'errcode', errcode: -1, errmsg: 'system error', count: 4 });
    expect(await world.invoke({ app: 'shop', rejected: fingerprint })).toMatchObject([
      { outcome: 'fresh', reason: 'probe-failed' },
    ]);
    world.at(12);
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed', reason: 'rejected-by-wechat' }]);
    expect(await isCurrentTokenValid()).toBe(true);
  });

  test('after a lost answer, even if the next attempt was refused', async () => {
    world = await startWorld();
    await world.tick();
    world.at(10);
    world.simulator.addFault({ kind: 'drop-after', count: 1 });
    world.simulator.addFault({
      kind: 'errcode',
      errcode: 45011,
      errmsg: 'api minute-quota reach limit',
      count: 1,
    });
    expect(await world.invoke({ app: 'shop', force: true })).toMatchObject([
      { outcome: 'failed', error: { code: '45011' } },
    ]);
    world.at(11);
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed', reason: 'validity-unknown' }]);
  });

  test('but not after a refusal alone, which changed nothing', async () => {
    world = await startWorld();
    await world.tick();
    world.at(10);
    world.simulator.addFault({
      kind: 'errcode',
      errcode: 45011,
      errmsg: 'api minute-quota reach limit',
      count: 1,
    });
    await world.invoke({ app: 'shop', force: true });
    world.at(11);
    expect(await world.tick()).toMatchObject([{ outcome: 'fresh', version: 1 }]);
    expect(world.simulator.calls('/cgi-bin/token')).toHaveLength(2);
  });
});

describe('a secret store that is down', () => {
  test('does not shorten a backoff, and keeps its error', async () => {
    world = await startWorld();
    await world.tick();
    world.simulator.setState(shop.appId, 50007);
    world.at(100);
    expect(await world.tick()).toMatchObject([{ outcome: 'failed', error: { code: '50007' } }]);
    world.parameters.down = true;
    world.at(100.1);
    expect(await world.tick()).toMatchObject([{ outcome: 'backing-off', error: { code: '50007' } }]);
  });
});

describe('a mirror that is down', () => {
  test('does not prevent a renewal; the first tick after it is back writes the parameter', async () => {
    world = await startWorld();
    await world.tick();
    const old = world.parameter();
    world.at(100);
    world.parameters.down = true;
    expect(await world.tick()).toMatchObject([
      { outcome: 'renewed', version: 2, error: { code: 'mirror-unreachable' } },
    ]);
    expect(world.parameter()).toBe(old);
    const token = JSON.parse((await world.get('/apps/shop/access-token')).body).access_token;
    expect(world.simulator.isTokenValid(token)).toBe(true);
    world.at(101);
    expect(await world.tick()).toMatchObject([{ outcome: 'failed', reason: 'mirror-behind' }]);
    world.parameters.down = false;
    world.at(102);
    expect(await world.tick()).toMatchObject([{ outcome: 'mirrored', version: 2 }]);
    expect(world.parameter()).toBe(token);
    expect(world.parameters.writes).toHaveLength(2);
    expect(world.simulator.calls('/cgi-bin/token')).toHaveLength(2);
  });
});

describe('an app that fails', () => {
  test('does not affect the 60 others', async () => {
    const failing = { ...shop, name: 'failing', appId: 'wxunknown' };
    const others = Array.from({ length: 60 }, (_, index) => ({
      ...shop,
      name: `other-${index}`,
      appId: `wxother${index}`,
    }));
    world = await startWorld({
      simulator: { accounts: others.map(({ appId }) => ({ appId, secret: 'secret' })) },
    });
    for (const { name } of [...others, failing])
      world.parameters.put(`/wechat/secrets/${name}/app-secret`, 'secret');
    const { results } = await world.another({ apps: [failing, ...others] }).run({});
    expect(results).toHaveLength(61);
    expect(results[0]).toMatchObject({ app: 'failing', outcome: 'failed', error: { code: '40013' } });
    expect(results.slice(1).every(({ outcome }) => outcome === 'renewed')).toBe(true);
    expect(world.simulator.calls('/cgi-bin/token')).toHaveLength(61);
  });
});
