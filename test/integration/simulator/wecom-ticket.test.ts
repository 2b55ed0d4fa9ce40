import { describe, expect, test } from 'vitest';
import { DEMO_WECOM_APP } from '../../../local/simulator/simulator.ts';
import {
  type Agent,
  type Corp,
  createCorp,
  createWecomApp,
  grantWecomTicket,
} from '../../../local/simulator/wecom.ts';
import { MIDNIGHT, openSimulator } from './harness.ts';

const { corpId, agentId } = DEMO_WECOM_APP;
const sales = { corpId, agentId: 1000003, secret: 'sales' };
const types = ['jsapi', 'agent_config'] as const;

describe.each(types)('the %s ticket', (type) => {
  test.each([
    [0, 'same'],
    [3600, 'same'],
    [7199.999, 'same'],
    [7200, 'new'],
  ])('after %d s: %s ticket, and expires_in says 7200', async (seconds, expected) => {
    const { at, wecom, wecomTicket } = await openSimulator();
    const first = await wecomTicket(type, (await wecom()).access_token);
    expect(first.ticket).toMatch(/^simticket_[\w-]{128}$/);
    at(seconds);
    const second = await wecomTicket(type, (await wecom()).access_token);
    expect(second.ticket === first.ticket ? 'same' : 'new').toBe(expected);
    expect(second).toMatchObject({ errcode: 0, errmsg: 'ok', expires_in: 7200 });
  });

  test('outlasts the access token that fetched it', async () => {
    const { at, wecom, wecomTicket, simulator } = await openSimulator();
    const { access_token } = await wecom();
    at(7000);
    const { ticket = '' } = await wecomTicket(type, access_token);
    simulator.invalidateWecomToken(corpId, agentId);
    at(14_199);
    expect(simulator.currentWecomTicket(corpId, agentId, type)).toBe(ticket);
    expect(simulator.isTokenValid(ticket)).toBe(true);
    at(14_200);
    expect(simulator.currentWecomTicket(corpId, agentId, type)).toBeUndefined();
    expect(simulator.isTokenValid(ticket)).toBe(false);
  });

  test('needs a valid WeCom token', async () => {
    const { at, wecom, wecomTicket, classic, stable, simulator } = await openSimulator();
    const ask = async (token?: string) => (await wecomTicket(type, token)).errcode;
    const { access_token: invalidated } = await wecom();
    const { ticket } = await wecomTicket(type, invalidated);
    simulator.invalidateWecomToken(corpId, agentId);
    const { access_token: current } = await wecom();
    expect(await ask()).toBe(41001);
    expect(await ask('never-was-one')).toBe(40014);
    expect(await ask(ticket)).toBe(40014);
    expect(await ask(invalidated)).toBe(40014);
    expect(await ask((await classic()).access_token)).toBe(40014);
    expect(await ask((await stable()).access_token)).toBe(40014);
    expect(await ask(current)).toBe(0);
    at(7200);
    expect(await ask(current)).toBe(42001);
    expect(await ask(invalidated)).toBe(42001);
  });
});

test('jsapi is the corp’s, agent_config the app’s own', async () => {
  const { wecom, wecomTicket, simulator } = await openSimulator({ wecomApps: [DEMO_WECOM_APP, sales] });
  const { access_token: ours } = await wecom();
  const { access_token: theirs } = await wecom({ corpsecret: 'sales' });
  const { ticket: jsapi } = await wecomTicket('jsapi', ours);
  expect((await wecomTicket('jsapi', theirs)).ticket).toBe(jsapi);
  const { ticket: agentConfig } = await wecomTicket('agent_config', ours);
  expect(agentConfig).not.toBe(jsapi);
  expect(simulator.currentWecomTicket(corpId, 1000003, 'jsapi')).toBe(jsapi);
  expect(simulator.currentWecomTicket(corpId, 1000003, 'agent_config')).toBeUndefined();
  expect((await wecomTicket('agent_config', theirs)).ticket).not.toBe(agentConfig);
  expect(simulator.currentWecomTicket(corpId, 1000002, 'agent_config')).toBe(agentConfig);
});

test('without an agent there is the corp’s ticket, and 48002 for an agent’s', async () => {
  const contacts = { corpId, name: 'contacts', secret: 'of contacts' };
  const { wecom, wecomTicket } = await openSimulator({ wecomApps: [DEMO_WECOM_APP, contacts] });
  const { access_token } = await wecom({ corpsecret: 'of contacts' });
  const { ticket } = await wecomTicket('jsapi', (await wecom()).access_token);
  expect((await wecomTicket('jsapi', access_token)).ticket).toBe(ticket);
  expect((await wecomTicket('agent_config', access_token)).errcode).toBe(48002);
});

test.each(['', 'jsapi', 'wx_card'])("ticket/get with type '%s' gets 40097, after the token", async (type) => {
  const { wecom, get } = await openSimulator();
  const { access_token = '' } = await wecom();
  expect((await get('/cgi-bin/ticket/get', { access_token, type })).errcode).toBe(40097);
  expect((await get('/cgi-bin/ticket/get', { access_token: 'x', type })).errcode).toBe(40014);
});

test('getticket of official accounts refuses a WeCom token', async () => {
  const { wecom, ticket } = await openSimulator();
  expect((await ticket((await wecom()).access_token)).errcode).toBe(40014);
});

describe('the probe routes accept a valid token of either platform', () => {
  test.each(['/cgi-bin/get_api_domain_ip', '/cgi-bin/getcallbackip'])('%s', async (path) => {
    const { classic, stable, wecom, get } = await openSimulator();
    for (const { access_token = '' } of [await classic(), await stable(), await wecom()]) {
      expect(await get(path, { access_token })).toEqual({
        ip_list: expect.arrayContaining([expect.any(String)]),
      });
    }
  });
});

describe.each(types)('calls for a %s ticket in an hour', (type) => {
  const policy = { lifetimeMs: 7_200_000, overlapMs: 300_000 };
  const quotaReached = expect.objectContaining({ errcode: 45009 });
  const grant = (agent: Agent, now: number) => grantWecomTicket(agent, type, now, policy);
  const hire = (corp: Corp, id: number): Agent => {
    const app = createWecomApp({ agentId: id, secret: `secret of ${id}` });
    corp.apps.push(app);
    return { corp, app };
  };

  test('100 of an app, then 45009 until the next hour; other apps go on', () => {
    const corp = createCorp(corpId);
    const [busy, other] = [hire(corp, 1000002), hire(corp, 1000003)];
    for (let call = 1; call <= 100; call += 1) grant(busy, MIDNIGHT);
    expect(() => grant(busy, MIDNIGHT + 3_599_999)).toThrow(quotaReached);
    expect(grant(other, MIDNIGHT + 3_599_999).value).toMatch(/^simticket_/);
    expect(grant(busy, MIDNIGHT + 3_600_000).value).toMatch(/^simticket_/);
  });

  test('400 of a corp, then 45009 until the next hour', () => {
    const corp = createCorp(corpId);
    for (const id of [1000002, 1000003, 1000004, 1000005]) {
      const agent = hire(corp, id);
      for (let call = 1; call <= 100; call += 1) grant(agent, MIDNIGHT);
    }
    const fifth = hire(corp, 1000006);
    expect(() => grant(fifth, MIDNIGHT)).toThrow(quotaReached);
    expect(grant(fifth, MIDNIGHT + 3_600_000).value).toMatch(/^simticket_/);
  });

  test('the other type has a quota of its own', () => {
    const agent = hire(createCorp(corpId), 1000002);
    for (let call = 1; call <= 100; call += 1) grant(agent, MIDNIGHT);
    const other = type === 'jsapi' ? 'agent_config' : 'jsapi';
    expect(grantWecomTicket(agent, other, MIDNIGHT, policy).value).toMatch(/^simticket_/);
  });

  test('over HTTP', async () => {
    const { wecom, wecomTicket } = await openSimulator();
    const { access_token } = await wecom();
    for (let call = 1; call <= 100; call += 1) {
      expect((await wecomTicket(type, access_token)).errcode).toBe(0);
    }
    expect(await wecomTicket(type, access_token)).toEqual({
      errcode: 45009,
      errmsg: expect.stringMatching(/^api freq out of limit, hint: /),
    });
  });
});
