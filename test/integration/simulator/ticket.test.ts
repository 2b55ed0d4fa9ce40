import { describe, expect, test } from 'vitest';
import { DEMO_ACCOUNT } from '../../../local/simulator/simulator.ts';
import { openSimulator } from './harness.ts';

describe('getticket', () => {
  test.each([
    [0, 'same'],
    [3600, 'same'],
    [7199.999, 'same'],
    [7200, 'new'],
  ])('after %d s: %s ticket, and expires_in says 7200', async (seconds, expected) => {
    const { at, stable, classic, ticket } = await openSimulator();
    const first = await ticket((await stable()).access_token);
    expect(first.ticket).toMatch(/^simticket_[\w-]{128}$/);
    at(seconds);
    const second = await ticket((await classic()).access_token);
    expect(second.ticket === first.ticket ? 'same' : 'new').toBe(expected);
    expect(second).toMatchObject({ errcode: 0, errmsg: 'ok', expires_in: 7200 });
  });

  test('jsapi and wx_card are two tickets', async () => {
    const { classic, ticket, simulator } = await openSimulator();
    const { access_token } = await classic();
    const jsapi = await ticket(access_token, 'jsapi');
    const card = await ticket(access_token, 'wx_card');
    expect(jsapi.ticket).not.toBe(card.ticket);
    expect(simulator.currentTicket(DEMO_ACCOUNT.appId, 'jsapi')).toBe(jsapi.ticket);
    expect(simulator.currentTicket(DEMO_ACCOUNT.appId, 'wx_card')).toBe(card.ticket);
  });

  test('another type gets 40097', async () => {
    const { classic, ticket } = await openSimulator();
    expect((await ticket((await classic()).access_token, 'agent_config')).errcode).toBe(40097);
  });

  test('a ticket outlasts the access token that fetched it', async () => {
    const { at, classic, ticket, probe, simulator } = await openSimulator();
    const { access_token } = await classic();
    at(7000);
    const { ticket: value = '' } = await ticket(access_token);
    at(7000 + 7199);
    expect(await probe(access_token)).toBe(42001);
    expect(simulator.isTokenValid(value)).toBe(true);
    at(7000 + 7200);
    expect(simulator.isTokenValid(value)).toBe(false);
    expect(simulator.currentTicket(DEMO_ACCOUNT.appId, 'jsapi')).toBeUndefined();
  });
});

describe('tickets of another kind of account get 48001', () => {
  test.each([
    ['official-account', [0, 0, 48001]],
    ['mini-program', [0, 0, 48001]],
    ['mini-game', [0, 0, 48001]],
    ['open-app', [48001, 48001, 0]],
  ] as const)('%s', async (kind, errcodes) => {
    const { stable, ticket } = await openSimulator({ accounts: [{ ...DEMO_ACCOUNT, kind }] });
    const { access_token } = await stable();
    const answers = [];
    for (const type of ['jsapi', 'wx_card', '2']) answers.push((await ticket(access_token, type)).errcode);
    expect(answers).toEqual(errcodes);
  });

  test('type=2 is the sdk ticket, the same until it has expired', async () => {
    const { at, stable, ticket, simulator } = await openSimulator({
      accounts: [{ ...DEMO_ACCOUNT, kind: 'open-app' }],
    });
    const { access_token } = await stable();
    const first = await ticket(access_token, '2');
    at(6899);
    expect(await ticket(access_token, '2')).toEqual(first);
    expect(simulator.currentTicket(DEMO_ACCOUNT.appId, 'sdk')).toBe(first.ticket);
    expect((await ticket(access_token, 'sdk')).errcode).toBe(40097);
    expect((await ticket(access_token, 'constructor')).errcode).toBe(40097);
  });
});

describe('getticket answers -1000 until the token is renewed', () => {
  test.each(['classic', 'stable'] as const)('%s', async (api) => {
    const { at, classic, stable, ticket, probe, simulator } = await openSimulator();
    const renew = () => (api === 'classic' ? classic() : stable({ force_refresh: true }));
    const { access_token: old } = await renew();
    const { ticket: known } = await ticket(old);
    at(60);
    simulator.refuseTickets(DEMO_ACCOUNT.appId);
    for (const type of ['jsapi', 'wx_card', 'nonsense']) {
      expect(await ticket(old, type)).toMatchObject({
        errcode: -1000,
        errmsg: expect.stringMatching(/^system error hints\W+rid: /),
      });
    }
    expect(await probe(old)).toBe(0);
    const { access_token: renewed } = await renew();
    expect((await ticket(renewed)).ticket).toBe(known);
    expect((await ticket(old)).errcode).toBe(-1000);
  });
});

describe('the errcode of an invalid token, on every route that needs one', () => {
  const routes = [
    ['GET', '/cgi-bin/ticket/getticket'],
    ['POST', '/cgi-bin/ticket/getticket'],
    ['GET', '/cgi-bin/get_api_domain_ip'],
    ['GET', '/cgi-bin/getcallbackip'],
    ['POST', '/cgi-bin/openapi/quota/get'],
    ['POST', '/cgi-bin/openapi/rid/get'],
    ['POST', '/cgi-bin/message/template/send'],
    ['GET', '/cgi-bin/user/info'],
    ['POST', '/cgi-bin/user/info'],
  ] as const;

  test.each(routes)('%s %s', async (method, path) => {
    const { at, classic, ticket, get, post } = await openSimulator({
      protectedPaths: ['/cgi-bin/user/info'],
    });
    const ask = (access_token = '') =>
      method === 'GET'
        ? get(path, { access_token, type: 'jsapi' })
        : post(`${path}?type=jsapi&access_token=${access_token}`, {});
    const replaced = await classic();
    const { ticket: aTicket } = await ticket(replaced.access_token);
    await classic();
    const newest = await classic();

    expect(await ask()).toMatchObject({ errcode: 41001 });
    expect(await ask('never-was-one')).toMatchObject({
      errcode: 40014,
      errmsg: expect.stringMatching(/^invalid access_token\W+rid: /),
    });
    expect(await ask(aTicket)).toMatchObject({ errcode: 40014 });
    expect(await ask(replaced.access_token)).toMatchObject({
      errcode: 40001,
      errmsg: expect.stringMatching(/^invalid credential, access_token is invalid or not latest\W+rid: /),
    });
    at(7200);
    expect(await ask(newest.access_token)).toMatchObject({
      errcode: 42001,
      errmsg: expect.stringMatching(/^access_token expired\W+rid: /),
    });
  });

  const probes = ['/cgi-bin/get_api_domain_ip', '/cgi-bin/getcallbackip'];
  test.each(probes)('%s answers a valid one with the list of addresses', async (path) => {
    const { classic, stable, get } = await openSimulator();
    for (const { access_token = '' } of [await classic(), await stable()]) {
      expect(await get(path, { access_token })).toEqual({
        ip_list: expect.arrayContaining([expect.any(String)]),
      });
    }
  });

  test('an expired token is forgotten a day after its end', async () => {
    const { at, classic, probe } = await openSimulator();
    const { access_token } = await classic();
    at(7200 + 86_399);
    await classic();
    expect(await probe(access_token)).toBe(42001);
    at(7200 + 86_400);
    await classic();
    expect(await probe(access_token)).toBe(40014);
  });
});
