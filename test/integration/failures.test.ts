import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, describe, expect, test } from 'vitest';
import { shop, startWorld, type World } from '../../bench/harness/world.ts';
import { recordTable } from '../../functions/aws/record-table.ts';
import { blankRecord } from '../../functions/core/credential.ts';
import { DEMO_ACCOUNT } from '../../local/simulator/simulator.ts';

let world: World;
afterEach(() => world.close());

const SECRET = '/wechat/secrets/shop/app-secret';

describe('a configuration error', () => {
  test('40164 names the IP to allow, keeps the old token, and backs off to ten minutes', async () => {
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
    // 1, 2, 4, 8 minutes at most, so between 4 and 7 of 19 ticks ask.
    const asked = outcomes.filter((outcome) => outcome === 'failed').length;
    expect(asked).toBeGreaterThanOrEqual(4);
    expect(asked).toBeLessThanOrEqual(7);
    expect(outcomes.filter((outcome) => outcome === 'backing-off')).toHaveLength(19 - asked);
    expect((await world.record())?.failure).toMatchObject({
      count: asked,
      kind: 'configuration',
      code: '40164',
    });
  });

  test('a missing secret says where to put it, and the tick after it was written succeeds', async () => {
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
    // The day's calls are counted for the alarm QuotaNear; these were none.
    expect((await world.record())?.requestsToday).toBe(0);
    world.parameters.put(SECRET, `${DEMO_ACCOUNT.secret}\n`);
    world.at(3.1);
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed', version: 1 }]);
    expect(await world.record()).not.toHaveProperty('failure');
    expect((await world.record())?.requestsToday).toBe(1);
  });

  test('a secret that cannot be read says so, and is no call of the day', async () => {
    world = await startWorld();
    world.parameters.down = true;
    expect(await world.tick()).toMatchObject([{ outcome: 'failed', error: { code: 'secret-unreadable' } }]);
    expect(await world.record()).toMatchObject({ requestsToday: 0, leaseUntil: 0 });
    expect(world.simulator.calls()).toHaveLength(0);
    world.parameters.down = false;
    world.at(1);
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed', version: 1 }]);
  });

  test('a reset AppSecret is read again within the attempt, and a wrong one skips the backoff once corrected', async () => {
    world = await startWorld();
    await world.tick();
    // The cached secret is refused, and SSM already has the new one: no failure at all.
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

describe('a value in doubt is renewed until WeChat has confirmed one', () => {
  const dead = async () => !world.simulator.isTokenValid((await world.record())?.current?.value ?? '');

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
    expect(await dead()).toBe(false);
  });

  test('after a report whose attempt failed', async () => {
    world = await startWorld();
    await world.tick();
    const fingerprint = (await world.record())?.current?.fingerprint;
    world.at(10);
    world.simulator.rotate(shop.appId);
    world.at(20);
    world.simulator.addFault({ kind: 'errcode', errcode: -1, errmsg: 'system error', count: 4 });
    expect(await world.invoke({ app: 'shop', rejected: fingerprint })).toMatchObject([
      { outcome: 'failed', reason: 'reported-rejected' },
    ]);
    expect(await dead()).toBe(true);
    world.at(21);
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed', reason: 'validity-unknown' }]);
    expect(await dead()).toBe(false);
  });

  test('after a report of a stable token whose attempt failed', async () => {
    world = await startWorld({ app: { ...shop, tokenApi: 'stable' } });
    await world.tick();
    const fingerprint = (await world.record())?.current?.fingerprint;
    // Somebody else forces twice, which kills the first token for good.
    for (const minute of [10, 11]) {
      world.at(minute);
      const body = { grant_type: 'client_credential', appid: shop.appId, secret: DEMO_ACCOUNT.secret };
      await fetch(`${world.simulator.url}/cgi-bin/stable_token`, {
        method: 'POST',
        body: JSON.stringify({ ...body, force_refresh: true }),
      });
    }
    expect(await dead()).toBe(true);
    world.simulator.addFault({ kind: 'errcode', errcode: -1, errmsg: 'system error', count: 4 });
    expect(await world.invoke({ app: 'shop', rejected: fingerprint })).toMatchObject([{ outcome: 'failed' }]);
    world.at(12);
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed', reason: 'validity-unknown' }]);
    expect(await dead()).toBe(false);
  });

  test('after a lost answer that a refusal followed', async () => {
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

  test('but not after a plain refusal, which changed nothing', async () => {
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
  test('holds up neither the mirror nor a backoff', async () => {
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
  test('costs the renewal nothing, and the next tick after it is back repairs it', async () => {
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

describe('one app of several', () => {
  test('that fails never touches another', async () => {
    const bad = { ...shop, name: 'bad', appId: 'wxunknown' };
    const good = Array.from({ length: 60 }, (_, index) => ({
      ...shop,
      name: `good-${index}`,
      appId: `wxgood${index}`,
    }));
    world = await startWorld({
      simulator: { accounts: good.map(({ appId }) => ({ appId, secret: 'secret' })) },
    });
    for (const { name } of [...good, bad])
      world.parameters.put(`/wechat/secrets/${name}/app-secret`, 'secret');
    const { results } = await world.another({ apps: [bad, ...good] }).run({});
    expect(results).toHaveLength(61);
    expect(results[0]).toMatchObject({ app: 'bad', outcome: 'failed', error: { code: '40013' } });
    expect(results.slice(1).every(({ outcome }) => outcome === 'renewed')).toBe(true);
    expect(world.simulator.calls('/cgi-bin/token')).toHaveLength(61);
  });
});

describe('the table', () => {
  const held = { ...blankRecord('shop/access-token'), leaseId: 'a', leaseUntil: 1_767_225_700_000 };

  test('lets one of many take the lease', async () => {
    world = await startWorld();
    const tries = Array.from({ length: 50 }, (_, index) =>
      world.store.swap(undefined, { ...held, leaseId: `lease-${index}` }),
    );
    expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1);
  });

  test('refuses the commit of a holder whose lease was taken over', async () => {
    world = await startWorld();
    await world.store.swap(undefined, held);
    expect(await world.store.swap(held, { ...held, leaseId: 'b' })).toBe(true);
    expect(await world.store.swap(held, { ...held, version: 1, leaseUntil: 0 })).toBe(false);
    expect(await world.record()).toMatchObject({ leaseId: 'b', version: 0 });
  });

  test('refuses the lease to somebody who read an older version', async () => {
    world = await startWorld();
    await world.store.swap(undefined, held);
    await world.store.swap(held, { ...held, version: 1, leaseUntil: 0 });
    expect(await world.store.swap(held, { ...held, leaseId: 'b' })).toBe(false);
  });

  test.each([
    ['whose version is gone', { leaseId: { S: 'x' } }],
    ['whose version is no number', { leaseId: { S: 'x' }, version: { S: 'seven' } }],
    ['whose lease id is empty', { leaseId: { S: '' }, version: { N: '7' } }],
    ['that is nothing but its key', {}],
  ])('lets a record be renewed %s', async (_name, item) => {
    world = await startWorld();
    const { client, tableName } = world.table;
    await client.send(
      new PutItemCommand({ TableName: tableName, Item: { id: { S: 'shop/access-token' }, ...item } }),
    );
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed', reason: 'no-value' }]);
    expect(await world.tick()).toMatchObject([{ outcome: 'fresh' }]);
  });

  test('counts a write as written when only its answer was lost', async () => {
    world = await startWorld();
    let writes = 0;
    // As the SDK does when a connection breaks after DynamoDB has done its work: the same request once more.
    world.table.client.middlewareStack.add(
      (next) => async (args) => {
        if (++writes === 1) await next(args);
        return next(args);
      },
      { step: 'finalizeRequest', name: 'twice' },
    );
    const store = recordTable(world.table.client, world.table.tableName);
    expect(await store.swap(undefined, held)).toBe(true);
    expect(writes).toBeGreaterThan(1);
  });
});
