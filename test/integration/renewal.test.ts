import { afterEach, describe, expect, test } from 'vitest';
import { MINUTE, START, shop, startWorld, type World } from '../../bench/harness/world.ts';
import type { ReadResponse } from '../../functions/http/http-types.ts';
import { DEMO_ACCOUNT } from '../../local/simulator/simulator.ts';

/** The life of a credential on a simulated clock, with the real adapters, SDK clients and undici. */

let world: World;
afterEach(() => world.close());

const tokenIn = (response: ReadResponse) => JSON.parse(response.body).access_token;

describe('a classic token', () => {
  test('is fetched by the first tick, written to the table and SSM, and served', async () => {
    world = await startWorld();
    expect((await world.get('/apps/shop/access-token')).status).toBe(503);

    const results = await world.tick();

    expect(results).toEqual([
      {
        app: 'shop',
        credential: 'access-token',
        outcome: 'renewed',
        reason: 'no-value',
        version: 1,
        expiresAt: 1_767_232_800_000,
      },
    ]);
    const token = world.simulator.currentToken(DEMO_ACCOUNT.appId, 'classic');
    expect(world.parameter()).toBe(token);
    expect(tokenIn(await world.get('/apps/shop/access-token'))).toBe(token);
    expect(world.parameters.writes).toEqual([
      { name: '/wechat/tokens/shop/access-token', value: token, type: 'SecureString' },
    ]);
    expect(await world.record()).toMatchObject({ version: 1, mirroredVersion: 1, leaseUntil: 0 });
  });

  test('is renewed at minute 100, not before, and served at once', async () => {
    world = await startWorld();
    await world.tick();
    const first = world.simulator.currentToken(DEMO_ACCOUNT.appId, 'classic');
    for (let minute = 1; minute < 100; minute++) {
      world.at(minute);
      expect(await world.tick()).toMatchObject([{ outcome: 'fresh', reason: 'healthy' }]);
    }
    expect(world.simulator.calls('/cgi-bin/token')).toHaveLength(1);

    world.at(100);
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed', reason: 'due', version: 2 }]);

    const second = tokenIn(await world.get('/apps/shop/access-token'));
    expect(second).toBe(world.simulator.currentToken(DEMO_ACCOUNT.appId, 'classic'));
    expect(second).not.toBe(first);
    expect(world.parameter()).toBe(second);
    expect(world.simulator.calls('/cgi-bin/token')).toHaveLength(2);
    // An app that still uses the first one is not affected: both are accepted for five minutes.
    expect(world.simulator.isTokenValid(first ?? '')).toBe(true);
  });

  test('with a shorter lifetime is renewed at five sixths of it', async () => {
    world = await startWorld({ simulator: { lifetimeSeconds: 3600 } });
    await world.tick();
    world.at(49);
    expect(await world.tick()).toMatchObject([{ outcome: 'fresh' }]);
    world.at(50);
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed' }]);
  });

  test('is served to its end in an outage of 30 minutes from minute 95, and replaced by the first tick after it', async () => {
    world = await startWorld();
    await world.tick();
    const old = world.parameter();
    for (let minute = 1; minute <= 125; minute++) {
      world.at(minute);
      if (minute === 95) world.simulator.addFault({ kind: 'outage' });
      if (minute === 125) world.simulator.clearFaults();
      const [result] = await world.tick();
      const response = await world.get('/apps/shop/access-token');
      if (minute < 100) expect(result).toMatchObject({ outcome: 'fresh' });
      else if (minute < 125) {
        expect(result, `minute ${minute}`).toMatchObject({
          outcome: 'failed',
          error: { code: 'UND_ERR_SOCKET' },
        });
      }
      if (minute < 120) {
        expect(tokenIn(response), `minute ${minute}`).toBe(old);
        expect(world.simulator.isTokenValid(old ?? '')).toBe(true);
      } else if (minute < 125) {
        expect(response.status, `minute ${minute}`).toBe(503);
        expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
        expect(response.body).not.toContain(old);
      } else {
        expect(result).toMatchObject({ outcome: 'renewed', version: 2 });
        expect(world.simulator.isTokenValid(tokenIn(response))).toBe(true);
      }
    }
  }, 60_000);

  test('is renewed again when the answer of a forced refresh was lost, because the old one is about to become invalid', async () => {
    world = await startWorld();
    await world.tick();
    world.at(10);
    // WeChat rotates at every attempt of this call, and none of its answers arrives.
    world.simulator.addFault({ kind: 'drop-after' });
    expect(await world.invoke({ app: 'shop', force: true })).toMatchObject([{ outcome: 'failed' }]);
    world.simulator.clearFaults();
    expect(await world.record()).toMatchObject({ version: 1, validityUnknown: true });

    world.at(11);
    expect(await world.tick()).toMatchObject([
      { outcome: 'renewed', reason: 'validity-unknown', version: 2 },
    ]);
    expect(world.simulator.isTokenValid(tokenIn(await world.get('/apps/shop/access-token')))).toBe(true);
    expect(await world.record()).toMatchObject({ validityUnknown: false });
  });

  test('of another account is never served after operators changed the app', async () => {
    world = await startWorld({
      simulator: { accounts: [DEMO_ACCOUNT, { appId: 'wxother', secret: DEMO_ACCOUNT.secret }] },
    });
    await world.tick();
    const changed = world.another({ apps: [{ ...shop, appId: 'wxother' }] });
    expect((await changed.run({})).results).toMatchObject([
      { outcome: 'renewed', reason: 'app-changed', version: 2 },
    ]);
    expect(world.parameter()).toBe(world.simulator.currentToken('wxother', 'classic'));
    // A caller that still has the first account's token may not read the second one's tickets.
    expect(await world.record()).not.toHaveProperty('previous');
    // A read function that is still configured for the first account must not serve the second one's token.
    expect((await world.get('/apps/shop/access-token')).status).toBe(503);
  });
});

describe('a stable token', () => {
  test('is valid at every minute of 24 hours, and changes only in its last five minutes', async () => {
    world = await startWorld({ app: { ...shop, tokenApi: 'stable' } });
    let changes = 0;
    let before: { value: string; expiresAt: number } | undefined;
    for (let minute = 0; minute <= 24 * 60; minute++) {
      world.at(minute);
      await world.tick();
      const record = await world.record();
      const value = tokenIn(await world.get('/apps/shop/access-token'));
      expect(world.simulator.isTokenValid(value), `minute ${minute}`).toBe(true);
      expect(world.parameter()).toBe(value);
      if (before && before.value !== value) {
        changes += 1;
        expect(before.expiresAt - world.clock.now()).toBeLessThanOrEqual(5 * MINUTE);
        expect(before.expiresAt - world.clock.now()).toBeGreaterThan(0);
      }
      before = { value, expiresAt: record?.current?.expiresAt ?? 0 };
    }
    expect(changes).toBe(12);
    // One call for each renewal: in its last five minutes the first call already returns the next token.
    expect(world.simulator.calls('/cgi-bin/stable_token')).toHaveLength(13);
  }, 60_000);

  test('that comes back unchanged keeps its version, and has the end that WeChat reports', async () => {
    world = await startWorld({ app: { ...shop, tokenApi: 'stable' } });
    await world.tick();
    const first = await world.record();
    world.at(60);
    // An earlier attempt may have invalidated it, for all that is known.
    if (!first) throw new Error('no record');
    await world.store.swap(first, { ...first, validityUnknown: true });
    expect(await world.tick()).toMatchObject([
      { outcome: 'unchanged', version: 1, expiresAt: START + 120 * MINUTE },
    ]);
    // A duplicate of the tick costs no second call.
    expect(await world.tick()).toMatchObject([{ outcome: 'fresh', reason: 'just-checked' }]);
    expect(world.simulator.calls('/cgi-bin/stable_token')).toHaveLength(2);
  });

  test('is rotated by forced refreshes twenty times a day at most', async () => {
    world = await startWorld({ app: { ...shop, tokenApi: 'stable' } });
    await world.tick();
    for (let count = 1; count <= 20; count++) {
      world.clock.advance(30_000);
      expect(await world.invoke({ app: 'shop', force: true }), `forced refresh ${count}`).toMatchObject([
        { outcome: 'renewed', version: count + 1 },
      ]);
    }
    world.clock.advance(30_000);
    expect(await world.invoke({ app: 'shop', force: true })).toMatchObject([
      { outcome: 'too-soon', reason: 'forced-quota-spent' },
    ]);
    // 2026-01-02 00:00 in Beijing.
    world.clock.set(Date.UTC(2026, 0, 1, 16));
    expect(await world.invoke({ app: 'shop', force: true })).toMatchObject([{ outcome: 'renewed' }]);
  });
});

describe('a jsapi ticket', () => {
  const withTicket = { ...shop, tickets: ['jsapi' as const] };

  test('is fetched right after its token, mirrored and served', async () => {
    world = await startWorld({ app: withTicket });
    expect(await world.tick()).toMatchObject([
      { credential: 'access-token', outcome: 'renewed' },
      { credential: 'jsapi-ticket', outcome: 'renewed' },
    ]);
    const ticket = world.simulator.currentTicket(DEMO_ACCOUNT.appId, 'jsapi');
    expect(world.parameter('jsapi-ticket')).toBe(ticket);
    expect(JSON.parse((await world.get('/apps/shop/jsapi-ticket')).body)).toEqual({
      ticket,
      expires_in: 7200,
      expires_at: '2026-01-01T02:00:00.000Z',
    });
  });

  test('that comes back unchanged keeps the expiry it had, although WeChat says 7200', async () => {
    world = await startWorld({ app: withTicket });
    await world.tick();
    world.at(60);
    const force = { app: 'shop', credential: 'jsapi-ticket', force: true };
    expect(await world.invoke(force)).toMatchObject([
      { credential: 'jsapi-ticket', outcome: 'unchanged', expiresAt: START + 120 * MINUTE },
    ]);
    expect(JSON.parse((await world.get('/apps/shop/jsapi-ticket')).body)).toMatchObject({ expires_in: 3600 });
  });

  test('that comes back unchanged is mirrored in the same run, when its mirror is behind', async () => {
    world = await startWorld({ app: withTicket });
    await world.tick();
    const mirrored = (await world.record('jsapi-ticket')) ?? expect.unreachable('it was just fetched');
    await world.store.swap(mirrored, { ...mirrored, mirroredVersion: 0 });
    world.parameters.remove('/wechat/tokens/shop/jsapi-ticket');
    world.at(60);
    await world.invoke({ app: 'shop', credential: 'jsapi-ticket', force: true });
    expect(world.parameter('jsapi-ticket')).toBe(world.simulator.currentTicket(DEMO_ACCOUNT.appId, 'jsapi'));
    const record = await world.record('jsapi-ticket');
    expect(record).toMatchObject({ version: 1, mirroredVersion: 1, leaseUntil: 0 });
  });

  test('is replaced one second after its end, with one call, because the tick waits for that moment', async () => {
    world = await startWorld({ app: withTicket });
    await world.tick();
    const first = world.parameter('jsapi-ticket');
    for (let minute = 1; minute < 119; minute++) {
      world.at(minute);
      await world.tick();
    }
    world.at(119.5);
    expect(await world.tick()).toMatchObject([
      { credential: 'access-token' },
      { credential: 'jsapi-ticket', outcome: 'renewed', reason: 'expired', version: 2 },
    ]);
    expect(world.clock.now()).toBe(START + 120 * MINUTE + 1_000);
    expect(world.parameter('jsapi-ticket')).not.toBe(first);
    expect(world.simulator.calls('/cgi-bin/ticket/getticket')).toHaveLength(2);
  });

  test('is not fetched without an access token', async () => {
    world = await startWorld({ app: withTicket, withoutSecret: true });
    expect(await world.tick()).toMatchObject([
      { credential: 'access-token', outcome: 'failed', error: { code: 'missing-secret' } },
      { credential: 'jsapi-ticket', outcome: 'failed', error: { code: 'no-access-token' } },
    ]);
    expect(world.simulator.calls()).toHaveLength(0);
  });
});
