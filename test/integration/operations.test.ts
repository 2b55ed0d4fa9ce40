import { afterEach, describe, expect, test } from 'vitest';
import { crm, MINUTE, START, shop, startWorld, type World } from '../../bench/harness/world.ts';
import { startSimulator } from '../../local/simulator/simulator.ts';

/** What operators query, and what they are notified of. */

let world: World;
afterEach(() => world.close());

const query = async <T>(event: object) => (await world.refresher.answer(event)) as unknown as T;

describe('a status report', () => {
  test('shows the state of every credential, without a call to WeChat, a write or a value', async () => {
    world = await startWorld({ app: { ...shop, tickets: ['jsapi'] }, others: [crm] });
    const blank = { version: 0, mirroredVersion: 0, expiresAt: null, renewedAt: null };
    const before = await query<object>({ status: true });
    expect(before).toMatchObject({
      status: {
        now: START,
        apps: [
          {
            app: 'shop',
            kind: 'official-account',
            account: 'wxdemo0123456789ab',
            tokenApi: 'classic',
            credentials: [
              {
                credential: 'access-token',
                state: 'missing',
                ...blank,
                nextAttemptAt: null,
                lastError: null,
              },
              { credential: 'jsapi-ticket', state: 'missing' },
            ],
          },
          { app: 'crm', kind: 'wecom', account: `${crm.corpId}/${crm.agentId}` },
        ],
      },
    });
    await world.tick();
    world.simulator.setAllowedIps(shop.appId, ['198.51.100.1']);
    world.at(100);
    await world.tick();
    const calls = world.simulator.calls().length;
    const record = await world.record();

    const answer = await query<{ status: { apps: { credentials: object[] }[] } }>({
      status: true,
      app: 'shop',
    });
    expect(answer.status.apps).toHaveLength(1);
    expect(answer.status.apps[0]?.credentials[0]).toEqual({
      credential: 'access-token',
      state: 'failing',
      expiresAt: START + 120 * MINUTE,
      renewedAt: START,
      version: 1,
      mirroredVersion: 1,
      nextAttemptAt: record?.nextAttemptAt,
      lastError: {
        code: '40164',
        message: expect.stringContaining('Add 203.0.113.7 on'),
        at: START + 100 * MINUTE,
        count: 1,
        refusedIp: '203.0.113.7',
        rid: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{8}){2}$/),
      },
    });
    world.at(121);
    expect(await query({ status: true })).toMatchObject({
      status: { apps: [{ credentials: [{ state: 'expired' }, { state: 'expired' }] }, {}] },
    });
    expect(JSON.stringify(answer)).not.toContain(world.parameter());
    expect(world.simulator.calls()).toHaveLength(calls);
    expect(await world.record()).toEqual(record);
  });
});

describe('a diagnosis', () => {
  test('shows that another client fetches the token: WeChat counts more calls than ours', async () => {
    world = await startWorld();
    await world.tick();
    for (let calls = 0; calls < 7; calls++) world.simulator.rotate(shop.appId);
    const { fingerprint } = (await world.record())?.current ?? {};
    world.at(1);
    await world.invoke({ app: 'shop', rejected: fingerprint });
    expect(await query({ app: 'shop', diagnose: true })).toEqual({
      diagnosis: {
        app: 'shop',
        now: world.clock.now(),
        secret: 'present',
        throughProxy: false,
        hosts: [
          {
            host: world.simulator.url,
            reachable: true,
            latencyMs: 0,
            clockSkewMs: expect.any(Number),
            problem: null,
          },
        ],
        tokenCalls: { ours: 2, wechat: { used: 9, limit: 2_000 }, problem: null },
        lastRefusal: null,
      },
    });
  });

  test('says what it could not find out, and why', async () => {
    world = await startWorld({ withoutSecret: true });
    expect(await query({ app: 'shop', diagnose: true })).toMatchObject({
      diagnosis: {
        secret: 'missing',
        tokenCalls: {
          ours: 0,
          wechat: null,
          problem: 'WeChat gives its count for a valid token only, and there is none.',
        },
      },
    });
    world.parameters.down = true;
    await world.simulator.close();
    expect(await query({ app: 'shop', diagnose: true })).toMatchObject({
      diagnosis: {
        secret: 'unreadable',
        hosts: [
          { reachable: false, latencyMs: null, clockSkewMs: null, problem: /could not be reached \(ECONN/ },
        ],
      },
    });
    // `afterEach` closes the world's simulator again.
    world = { ...world, simulator: await startSimulator() };
  });

  test('explains the last refusal: from which address, when, and nothing of the request itself', async () => {
    world = await startWorld();
    await world.tick();
    world.simulator.setState(shop.appId, 40243);
    world.at(100);
    expect(await world.tick()).toMatchObject([{ outcome: 'failed', error: { code: '40243' } }]);
    world.at(101);
    const answer = await query({ app: 'shop', diagnose: true });
    expect(answer).toMatchObject({
      diagnosis: {
        lastRefusal: { clientIp: '203.0.113.7', at: START + 100 * MINUTE, costMs: expect.any(Number) },
      },
    });
    expect(JSON.stringify(answer)).not.toMatch(new RegExp(`${world.parameter()}|demo-secret|secret=`));
  });

  test('takes a count below ours for none: of some accounts it stands at 0 for ever', async () => {
    world = await startWorld();
    world.simulator.setCount(shop.appId, { frozen: true });
    await world.tick();
    expect(await query({ app: 'shop', diagnose: true })).toMatchObject({
      diagnosis: { tokenCalls: { ours: 1, wechat: null, problem: expect.stringContaining('is no count') } },
    });
  });

  test('of a WeCom app has no count, because WeCom has no call for it', async () => {
    world = await startWorld({ others: [crm] });
    await world.tick();
    expect(await query({ app: 'crm', diagnose: true })).toMatchObject({
      diagnosis: { secret: 'present', tokenCalls: { ours: 1, wechat: null, problem: null } },
    });
  });
});

describe('operators are notified of', () => {
  const notified = () => world.notices.filter(({ notify }) => notify);

  test('a configuration error once, with the IP to allow, however many ticks it lasts, and again when it comes back', async () => {
    world = await startWorld();
    await world.tick();
    world.simulator.setAllowedIps(shop.appId, ['198.51.100.1']);
    for (let minute = 100; minute < 130; minute++) {
      world.at(minute);
      await world.tick();
    }
    expect(notified()).toEqual([
      {
        kind: 'configuration-error',
        app: 'shop',
        credential: 'access-token',
        message: expect.stringContaining('Add 203.0.113.7 on developers.weixin.qq.com/platform'),
        notify: true,
      },
    ]);

    world.simulator.setAllowedIps(shop.appId, undefined);
    world.at(145);
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed' }]);
    world.simulator.setAllowedIps(shop.appId, ['198.51.100.1']);
    for (let minute = 245; minute < 260; minute++) {
      world.at(minute);
      await world.tick();
    }
    expect(notified()).toHaveLength(2);
  });

  test('another configuration error at once, and one that lasts once a day', async () => {
    world = await startWorld({ withoutSecret: true });
    const failing = async (fromMinute: number, minutes: number) => {
      for (let minute = fromMinute; minute < fromMinute + minutes; minute += 15) {
        world.at(minute);
        await world.tick();
      }
    };
    await failing(0, 60);
    world.parameters.put('/wechat/secrets/shop/app-secret', 'wrong');
    await failing(60, 60);
    expect(notified().map(({ message }) => message)).toEqual([
      expect.stringContaining('is missing'),
      expect.stringContaining('the AppSecret is wrong'),
    ]);
    await failing(120, 24 * 60);
    expect(notified()).toHaveLength(3);
  });

  test('no transient error', async () => {
    world = await startWorld();
    world.simulator.addFault({ kind: 'outage', count: 40 });
    for (let minute = 0; minute < 10; minute++) {
      world.at(minute);
      await world.tick();
    }
    expect((await world.record())?.failure?.kind).toBe('transient');
    expect(notified()).toEqual([]);
  });
});
