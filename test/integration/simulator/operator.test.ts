import { describe, expect, test } from 'vitest';
import {
  DEMO_ACCOUNT,
  DEMO_WECOM_APP,
  ManualClock,
  startSimulator,
} from '../../../local/simulator/simulator.ts';
import { MIDNIGHT, openSimulator } from './harness.ts';

const { appId } = DEMO_ACCOUNT;

test('calls are logged with route, account, time and outcome, and never a secret or a token', async () => {
  const { at, classic, stable, ticket, probe, simulator } = await openSimulator();
  const { access_token } = await classic();
  at(7);
  await stable({ secret: 'wrong' });
  await ticket(access_token);
  await probe('never-was-one');
  const { host } = new URL(simulator.url);
  const common = { host, method: 'GET', outcome: 'ok', executed: true, at: MIDNIGHT + 7000 };
  expect(simulator.calls()).toEqual([
    { ...common, route: '/cgi-bin/token', appId, at: MIDNIGHT },
    { ...common, route: '/cgi-bin/stable_token', method: 'POST', appId, outcome: 'refused', errcode: 40001 },
    { ...common, route: '/cgi-bin/ticket/getticket', appId },
    { ...common, route: '/cgi-bin/get_api_domain_ip', outcome: 'refused', errcode: 40014 },
  ]);
  expect(simulator.calls('/cgi-bin/token')).toHaveLength(1);
  expect(JSON.stringify(simulator.calls())).not.toMatch(/sim(classic|stable|ticket)_|secret-/);
});

test('calls of a WeCom app are logged with its corp', async () => {
  const { wecom, wecomTicket, probe, simulator } = await openSimulator();
  const { corpId } = DEMO_WECOM_APP;
  const { access_token } = await wecom();
  await wecom({ corpid: 'wwnobody' });
  await wecom({ corpsecret: 'wrong' });
  await wecomTicket('jsapi', access_token);
  await wecomTicket('agent_config', 'never-was-one');
  await probe(access_token);
  const { host } = new URL(simulator.url);
  const common = { host, method: 'GET', outcome: 'ok', executed: true, at: MIDNIGHT };
  expect(simulator.calls()).toEqual([
    { ...common, route: '/cgi-bin/gettoken', corpId },
    { ...common, route: '/cgi-bin/gettoken', corpId: 'wwnobody', outcome: 'refused', errcode: 40013 },
    { ...common, route: '/cgi-bin/gettoken', corpId, outcome: 'refused', errcode: 40001 },
    { ...common, route: '/cgi-bin/get_jsapi_ticket', corpId },
    { ...common, route: '/cgi-bin/ticket/get', outcome: 'refused', errcode: 40014 },
    { ...common, route: '/cgi-bin/get_api_domain_ip', corpId },
  ]);
  expect(JSON.stringify(simulator.calls())).not.toMatch(/sim(wecom|ticket)_|corpsecret-/);
});

test('an unknown account is named', async () => {
  const { simulator } = await openSimulator();
  expect(() => simulator.rotate('wxnobody')).toThrow("the simulator has no account 'wxnobody'");
  expect(() => simulator.setSecret('wxnobody', 'x')).toThrow('wxnobody');
  expect(() => simulator.currentToken('wxnobody', 'stable')).toThrow('wxnobody');
  expect(() => simulator.burnDailyQuota('wxnobody')).toThrow('wxnobody');
  expect(() => simulator.setCount('wxnobody', {})).toThrow('wxnobody');
  expect(() => simulator.invalidate('wxnobody')).toThrow('wxnobody');
  expect(() => simulator.refuseTickets('wxnobody')).toThrow('wxnobody');
});

test('an unknown WeCom app is named by corp and agent', async () => {
  const { simulator } = await openSimulator();
  const message = "the simulator has no WeCom app 1000009 in corp 'wwdemo0123456789ab'";
  expect(() => simulator.currentWecomToken('wwdemo0123456789ab', 1000009)).toThrow(message);
  expect(() => simulator.currentWecomTicket('wwdemo0123456789ab', 1000009, 'jsapi')).toThrow(message);
  expect(() => simulator.invalidateWecomToken('wwdemo0123456789ab', 1000009)).toThrow(message);
  expect(() => simulator.setWecomSecret('wwnobody', 1000002, 'x')).toThrow('wwnobody');
  expect(() => simulator.setTrustedIps('wwnobody', 1000002, [])).toThrow('wwnobody');
});

describe('invalidate, without a new token', () => {
  test('refuses every token of the account with 40001, those in their overlap too', async () => {
    const { at, classic, stable, probe, simulator } = await openSimulator();
    const previous = await classic();
    at(10);
    const [current, ofStable] = [await classic(), await stable()];
    const [firstCall] = simulator.calls('/cgi-bin/token').slice(-1);
    simulator.invalidate(appId);
    for (const { access_token } of [previous, current, ofStable]) {
      expect(await probe(access_token)).toBe(40001);
      expect(simulator.isTokenValid(access_token ?? '')).toBe(false);
    }
    expect(simulator.currentToken(appId, 'classic')).toBeUndefined();
    expect(simulator.calls('/cgi-bin/token').at(-1)).toBe(firstCall);
    at(7210);
    expect(await probe(current.access_token)).toBe(42001);
  });

  test('leaves it as known when a token ended that was dead already', async () => {
    const { at, classic, simulator } = await openSimulator();
    const { access_token: first = '' } = await classic();
    await classic();
    at(400);
    const before = simulator.validityOf(first);
    simulator.invalidate(appId);
    expect(simulator.validityOf(first)).toEqual({ ...before, validUntil: MIDNIGHT + 300_000 });
  });

  test.each([
    ['classic', 40001, 0],
    ['stable', 0, 40001],
  ] as const)('of the %s interface alone', async (api, ofClassic, ofStable) => {
    const { classic, stable, probe, simulator } = await openSimulator();
    const [classicToken, stableToken] = [await classic(), await stable()];
    simulator.invalidate(appId, { api });
    expect(await probe(classicToken.access_token)).toBe(ofClassic);
    expect(await probe(stableToken.access_token)).toBe(ofStable);
  });

  test('the next call of either interface gets a token that is accepted', async () => {
    const { classic, stable, probe, simulator } = await openSimulator();
    const [classicToken, stableToken] = [await classic(), await stable()];
    simulator.invalidate(appId);
    const [nextClassic, nextStable] = [await classic(), await stable()];
    expect(nextClassic.access_token).not.toBe(classicToken.access_token);
    expect(nextStable.access_token).not.toBe(stableToken.access_token);
    expect([await probe(nextClassic.access_token), await probe(nextStable.access_token)]).toEqual([0, 0]);
  });

  test('stillGranted: stable_token goes on returning the refused token until it is forced', async () => {
    const { at, stable, probe, simulator } = await openSimulator();
    const { access_token: refused } = await stable();
    simulator.invalidate(appId, { stillGranted: true });
    at(60);
    expect(await stable()).toEqual({ access_token: refused, expires_in: 7140 });
    expect(await probe(refused)).toBe(40001);
    const { access_token: forced } = await stable({ force_refresh: true });
    expect(forced).not.toBe(refused);
    expect(await probe(forced)).toBe(0);
    at(120);
    expect((await stable()).access_token).toBe(forced);
    simulator.invalidate(appId);
    expect((await stable()).access_token).not.toBe(forced);
  });

  test('stillGranted: stable_token replaces the refused token in its last five minutes, without force', async () => {
    const { at, stable, probe, simulator } = await openSimulator();
    const { access_token: refused } = await stable();
    simulator.invalidate(appId, { stillGranted: true });
    at(6900);
    expect((await stable()).access_token).toBe(refused);
    at(6900.001);
    const { access_token: next } = await stable();
    expect(next).not.toBe(refused);
    expect(await probe(next)).toBe(0);
  });
});

describe('a secret is reset', () => {
  test.each([
    ['by default, tokens stay valid', undefined, 0, 0],
    ['invalidatesTokens: no token is accepted', { invalidatesTokens: true }, 40001, 40014],
  ])('%s', async (_, options, official, ofWecom) => {
    const { classic, stable, wecom, probe, simulator } = await openSimulator();
    const { corpId, agentId } = DEMO_WECOM_APP;
    const [classicToken, stableToken, wecomToken] = [await classic(), await stable(), await wecom()];
    simulator.setSecret(appId, 'new', options);
    simulator.setWecomSecret(corpId, agentId, 'new', options);
    expect(await probe(classicToken.access_token)).toBe(official);
    expect(await probe(stableToken.access_token)).toBe(official);
    expect(await probe(wecomToken.access_token)).toBe(ofWecom);
    expect((await classic()).errcode).toBe(40001);
    expect(await probe((await classic({ secret: 'new' })).access_token)).toBe(0);
    expect(await probe((await wecom({ corpsecret: 'new' })).access_token)).toBe(0);
  });
});

test('another address is seen from the next call on', async () => {
  const { classic, wecom, simulator } = await openSimulator();
  simulator.setAllowedIps(appId, ['203.0.113.7']);
  simulator.setTrustedIps(DEMO_WECOM_APP.corpId, DEMO_WECOM_APP.agentId, ['203.0.113.7']);
  expect((await classic()).errcode).toBeUndefined();
  simulator.setCallerIp('198.51.100.9');
  expect((await classic()).errmsg).toMatch(/^invalid ip 198\.51\.100\.9 ipv6 ::ffff:198\.51\.100\.9,/);
  expect((await wecom()).errmsg).toContain('from ip: 198.51.100.9');
});

test('accounts can be added while it runs', async () => {
  const { classic, simulator } = await openSimulator({ accounts: [] });
  expect((await classic()).errcode).toBe(40013);
  simulator.addAccount(DEMO_ACCOUNT);
  expect(simulator.appIds()).toEqual([appId]);
  expect((await classic()).errcode).toBeUndefined();
});

test('WeCom apps can be added while it runs, and replaced', async () => {
  const { wecom, simulator } = await openSimulator({ wecomApps: [] });
  expect((await wecom()).errcode).toBe(40013);
  simulator.addWecomApp(DEMO_WECOM_APP);
  simulator.addWecomApp({ corpId: 'wwdemo0123456789ab', agentId: 1000003, secret: 'another' });
  const { access_token: first = '' } = await wecom();
  simulator.addWecomApp(DEMO_WECOM_APP);
  expect(simulator.isTokenValid(first)).toBe(false);
  expect((await wecom()).access_token).not.toBe(first);
  expect(simulator.wecomApps()).toEqual([
    { corpId: 'wwdemo0123456789ab', agentId: 1000003 },
    { corpId: 'wwdemo0123456789ab', agentId: 1000002 },
  ]);
});

describe('clocks', () => {
  test('a manual one stands still', () => {
    const clock = new ManualClock(1000);
    clock.advance(500);
    expect(clock.now()).toBe(1500);
    clock.set(42);
    expect(clock.now()).toBe(42);
    expect(new ManualClock().now()).toBe(Date.parse('2026-01-01T08:00:00+08:00'));
  });

  test('by default time is real, and can be skipped', async () => {
    const simulator = await startSimulator();
    expect(Math.abs(simulator.clock.now() - Date.now())).toBeLessThan(1000);
    simulator.clock.advance(7_200_000);
    expect(Math.abs(simulator.clock.now() - Date.now() - 7_200_000)).toBeLessThan(1000);
    await simulator.close();
  });
});

describe('close', () => {
  test('does not wait for idle connections or delayed answers', async () => {
    const simulator = await startSimulator();
    await (await fetch(`${simulator.url}/cgi-bin/token`)).text();
    simulator.addFault({ kind: 'delay', ms: 60_000 });
    const delayed = fetch(`${simulator.url}/cgi-bin/token`).catch((error: Error) => error.message);
    await expect.poll(() => simulator.calls().length, { interval: 5 }).toBe(2);
    const started = performance.now();
    await simulator.close();
    expect(performance.now() - started).toBeLessThan(500);
    expect(await delayed).toBe('fetch failed');
    await expect(fetch(simulator.url)).rejects.toThrow('fetch failed');
  });

  test('a taken port is reported by its code', async () => {
    const { simulator } = await openSimulator();
    const port = Number(new URL(simulator.url).port);
    await expect(startSimulator({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
