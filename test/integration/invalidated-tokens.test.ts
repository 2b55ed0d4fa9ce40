import { afterEach, describe, expect, test } from 'vitest';
import { startRefresherProcess } from '../../bench/harness/start-refresher-process.ts';
import { crm, shop, startWorld, TICK, type World } from '../../bench/harness/world.ts';

/** Another client invalidates our token: how it is found, how long readers have an invalid one, and what operators hear. */

const PROBE = '/cgi-bin/openapi/quota/get';
const TOKEN = '/cgi-bin/token';

let world: World;
afterEach(() => world.close());

const served = async (app = 'shop') =>
  JSON.parse((await world.get(`/apps/${app}/access-token`)).body).access_token as string;
/** Whether WeChat accepts the token that a reader gets now. */
const servesValidToken = async (app = 'shop') => world.simulator.isTokenValid(await served(app));

/** Twice: only the immediately previous token has an overlap (docs/wechat.md#classic-token), so ours is invalid at once. */
function rotateByAnotherClient(): void {
  world.simulator.rotate(shop.appId);
  world.simulator.rotate(shop.appId);
}

describe('the probe', () => {
  test('calls WeChat every five minutes, and no more often', async () => {
    world = await startWorld({ probeMinutes: 5 });
    for (let minute = 0; minute < 60; minute++) {
      world.at(minute);
      // EventBridge may deliver a tick twice.
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

  test('finds a rotation by another client within probeMinutes and a tick; the token is renewed, and operators are notified', async () => {
    world = await startWorld({ probeMinutes: 5 });
    await world.tick();
    let invalidMinutes = 0;
    for (let minute = 1; minute <= 20; minute++) {
      world.at(minute);
      if (minute === 11) rotateByAnotherClient();
      const results = await world.tick();
      if (!(await servesValidToken())) invalidMinutes += 1;
      if (minute === 15)
        expect(results).toMatchObject([{ outcome: 'renewed', reason: 'rejected-by-wechat', version: 2 }]);
    }
    // Invalidated right after the probe at minute 10, so found at minute 15.
    expect(invalidMinutes).toBe(4);
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

  test('reports every rotation by a client that goes on, and operators are notified once an hour', async () => {
    world = await startWorld({ probeMinutes: 5 });
    for (let minute = 0; minute <= 90; minute++) {
      world.at(minute);
      if (minute % 10 === 1) rotateByAnotherClient();
      await world.tick();
    }
    expect(world.notices).toHaveLength(9);
    expect(world.notices.filter(({ notify }) => notify)).toHaveLength(2);
    expect(await servesValidToken()).toBe(true);
  });

  test('is one call for 200 concurrent ticks from 2 processes', async () => {
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

  test('changes nothing when it gets no answer, and is repeated by the next tick', async () => {
    world = await startWorld({ probeMinutes: 5 });
    await world.tick();
    const before = await served();
    world.at(5);
    world.simulator.addFault({ kind: 'errcode', errcode: -1, errmsg: 'system error', count: 8 });
    expect(await world.tick()).toMatchObject([
      { outcome: 'fresh', reason: 'probe-failed', version: 1, error: { code: '-1' } },
    ]);
    expect(await served()).toBe(before);
    world.at(6);
    expect(await world.tick()).toMatchObject([{ outcome: 'fresh', reason: 'probed', version: 1 }]);
    expect(world.simulator.calls(TOKEN)).toHaveLength(1);
  });

  test('does not delay a forced refresh', async () => {
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
    expect(await servesValidToken()).toBe(true);
  });

  test('finds a WeCom token that was invalidated early', async () => {
    world = await startWorld({ others: [crm], probeMinutes: 5 });
    await world.tick();
    world.at(3);
    world.simulator.invalidateWecomToken(crm.corpId, crm.agentId);
    expect(await servesValidToken('crm')).toBe(false);
    world.at(5);
    await world.tick();
    expect(await servesValidToken('crm')).toBe(true);
    expect(world.notices).toMatchObject([{ kind: 'unexpected-rotation', app: 'crm' }]);
  });
});

test('operators are notified of a rotation although the renewal that follows fails', async () => {
  world = await startWorld({ probeMinutes: 5 });
  await world.tick();
  world.at(5);
  rotateByAnotherClient();
  world.simulator.addFault({ kind: 'errcode', errcode: -1, errmsg: 'system error', routes: [TOKEN] });
  expect(await world.tick()).toMatchObject([{ outcome: 'failed', reason: 'rejected-by-wechat' }]);
  expect(world.notices).toMatchObject([{ kind: 'unexpected-rotation', notify: true }]);
  world.simulator.clearFaults();
  world.at(6);
  await world.tick();
  expect(world.notices.filter(({ notify }) => notify)).toHaveLength(1);
});

test('a report has an invalidated token renewed at once, and operators are notified', async () => {
  world = await startWorld();
  await world.tick();
  const { fingerprint } = (await world.record())?.current ?? {};
  world.at(7);
  rotateByAnotherClient();
  expect(await world.invoke({ app: 'shop', rejected: fingerprint })).toMatchObject([
    { outcome: 'renewed', reason: 'rejected-by-wechat' },
  ]);
  expect(await servesValidToken()).toBe(true);
  expect(world.notices).toMatchObject([{ kind: 'unexpected-rotation', notify: true }]);
});

test('a report of a WeCom token that WeCom still accepts changes nothing, and operators are not notified', async () => {
  world = await startWorld({ others: [crm] });
  await world.tick();
  const { fingerprint } = (await world.record('access-token', 'crm'))?.current ?? {};
  world.at(7);
  expect(await world.invoke({ app: 'crm', rejected: fingerprint })).toMatchObject([
    { credential: 'access-token', outcome: 'fresh', reason: 'report-unfounded' },
    { credential: 'jsapi-ticket', outcome: 'fresh' },
    { credential: 'agent-config-ticket', outcome: 'fresh' },
  ]);
  expect(world.notices).toEqual([]);
});

describe('a ticket that WeChat refuses with a code for a dead token', () => {
  const app = { ...shop, tickets: ['jsapi', 'wx_card'] as const };

  test('has its token renewed first, within the tick', async () => {
    world = await startWorld({ app });
    await world.tick();
    world.at(99);
    rotateByAnotherClient();
    // By our record the ticket has ended and the token is valid.
    const record = await world.record('jsapi-ticket');
    const ended = { ...record?.current, expiresAt: world.clock.now() - 2_000 };
    await world.store.swap(record, { ...record, current: ended } as NonNullable<typeof record>);
    expect(await world.tick()).toMatchObject([
      { credential: 'access-token', outcome: 'renewed', reason: 'rejected-by-wechat', version: 2 },
      // WeChat still has the same ticket; what counts is that it accepted the call.
      { credential: 'jsapi-ticket', outcome: 'unchanged' },
      { credential: 'wx-card-ticket', outcome: 'fresh' },
    ]);
    expect(await servesValidToken()).toBe(true);
    expect(world.notices).toMatchObject([{ kind: 'unexpected-rotation', credential: 'access-token' }]);
  });

  test('is fetched with the new token when another refresher is already renewing that', async () => {
    world = await startWorld({ app });
    await world.tick();
    world.at(30);
    rotateByAnotherClient();
    const other = world.another();
    const force = { app: 'shop', credential: 'jsapi-ticket', force: true };
    const answers = await Promise.all([
      world.invoke(force),
      other.run({ app: 'shop', credential: 'wx-card-ticket', force: true }),
    ]);
    // The second refresher may have found the token's lease held; then the next tick fetches its ticket.
    world.at(31);
    await world.tick();
    expect(answers).toHaveLength(2);
    expect(world.simulator.calls(TOKEN).length).toBe(2);
    expect(await servesValidToken()).toBe(true);
    for (const name of ['jsapi-ticket', 'wx-card-ticket'] as const) {
      expect((await world.record(name))?.failure).toBeUndefined();
    }
  });

  test('fails when its token cannot be renewed, without a second call', async () => {
    world = await startWorld({ app });
    await world.tick();
    world.at(30);
    rotateByAnotherClient();
    world.simulator.addFault({ kind: 'errcode', errcode: -1, errmsg: 'busy', routes: [TOKEN] });
    const before = world.simulator.calls('/cgi-bin/ticket/getticket').length;
    expect(await world.invoke({ app: 'shop', credential: 'jsapi-ticket', force: true })).toMatchObject([
      { credential: 'jsapi-ticket', outcome: 'failed', error: { code: '40001' } },
    ]);
    // A token that was just rejected is not used again.
    expect(world.simulator.calls('/cgi-bin/ticket/getticket')).toHaveLength(before + 1);
    world.simulator.clearFaults();
    world.at(31);
    await world.tick();
    expect(await servesValidToken()).toBe(true);
  });
});
