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
  const common = { host, method: 'GET', outcome: 'ok', at: MIDNIGHT + 7000 };
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
  const common = { host, method: 'GET', outcome: 'ok', at: MIDNIGHT };
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
