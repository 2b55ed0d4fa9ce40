import { describe, expect, test } from 'vitest';
import { DEMO_ACCOUNT } from '../../../local/simulator/simulator.ts';
import { MIDNIGHT, openSimulator } from './harness.ts';

const { appId, secret } = DEMO_ACCOUNT;
const other = { appId: 'wxother0123456789a', secret: 'other' };

const open = async () => {
  const opened = await openSimulator({ accounts: [DEMO_ACCOUNT, other] });
  const { access_token: token = '' } = await opened.stable();
  const ridGet = (rid: unknown, accessToken = token) =>
    opened.post(`/cgi-bin/openapi/rid/get?access_token=${accessToken}`, { rid });
  return { ...opened, token, ridGet };
};

/** The id that a refusal ends with. */
const ridOf = ({ errmsg = '' }: { errmsg?: string }) =>
  /rid: ([0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8})$/.exec(errmsg)?.[1] ?? 'no rid';

describe('rid/get', () => {
  test('shows a refused request with the address that it came from', async () => {
    const { at, classic, ridGet, simulator } = await open();
    at(5.25);
    simulator.setAllowedIps(appId, ['198.51.100.1']);
    simulator.setCallerIp('203.0.113.99');
    const refused = await classic();
    simulator.setCallerIp('198.51.100.1');
    at(60);
    expect(await ridGet(ridOf(refused))).toEqual({
      errcode: 0,
      errmsg: 'ok',
      request: {
        invoke_time: MIDNIGHT / 1000 + 5,
        cost_in_ms: 0,
        request_url: `grant_type=client_credential&appid=${appId}&secret=${secret}`,
        request_body: '',
        response_body: JSON.stringify(refused),
        client_ip: '203.0.113.99',
      },
    });
  });

  test('shows the body of a POST, and how long the answer took', async () => {
    const { stable, ridGet, simulator } = await open();
    simulator.addFault({ kind: 'delay', ms: 20, count: 1 });
    const refused = await stable({ secret: 'wrong' });
    expect((await ridGet(ridOf(refused))).request).toMatchObject({
      cost_in_ms: 20,
      request_url: '',
      request_body: `{"grant_type":"client_credential","appid":"${appId}","secret":"wrong"}`,
    });
  });

  test('knows calls with a token, also one that is no longer accepted', async () => {
    const { at, classic, ticket, ridGet } = await open();
    const { access_token: replaced } = await classic();
    await classic();
    await classic();
    at(1);
    const refused = await ticket(replaced);
    expect(refused.errcode).toBe(40001);
    expect((await ridGet(ridOf(refused))).request).toMatchObject({
      request_url: `access_token=${replaced}&type=jsapi`,
    });
  });

  test('knows the refusals that a fault made up', async () => {
    const { classic, token, probe, ridGet, simulator, get } = await open();
    simulator.addFault({ kind: 'errcode', errcode: 50001, errmsg: 'user unauthorized', count: 1 });
    expect((await ridGet(ridOf(await classic()))).errcode).toBe(0);
    simulator.addFault({ kind: 'flapping', share: 1, count: 1 });
    const refused = await get('/cgi-bin/get_api_domain_ip', { access_token: token });
    expect(refused.errcode).toBe(40001);
    expect((await ridGet(ridOf(refused))).request).toMatchObject({ request_url: `access_token=${token}` });
    expect(await probe(token)).toBe(0);
  });

  test('of the same account alone: otherwise 76001', async () => {
    const { classic, ridGet, post } = await open();
    const application = { appid: other.appId, secret: other.secret };
    const theirs = await classic({ ...application, secret: 'wrong' });
    const ofNone = await post('/cgi-bin/stable_token', { grant_type: 'x' });
    const { access_token: theirToken } = await classic(application);
    expect((await ridGet(ridOf(theirs), theirToken)).errcode).toBe(0);
    expect((await ridGet(ridOf(theirs))).errcode).toBe(76001);
    expect((await ridGet(ridOf(ofNone))).errcode).toBe(76001);
  });

  test.each(['ffffffff-ffffffff-ffffffff', '', 'constructor', 7, undefined])('%j gets 76001', async (rid) => {
    const { ridGet } = await open();
    expect(await ridGet(rid)).toEqual({
      errcode: 76001,
      errmsg: expect.stringMatching(/^rid not found.*rid: /),
    });
  });

  test('is forgotten after 7 days', async () => {
    const { at, classic, stable, ridGet } = await open();
    const rid = ridOf(await classic({ secret: 'wrong' }));
    at(7 * 86_400 - 0.001);
    expect((await ridGet(rid, (await stable()).access_token)).errcode).toBe(0);
    at(7 * 86_400);
    expect((await ridGet(rid, (await stable()).access_token)).errcode).toBe(76001);
  });

  test('a refused token has its own code', async () => {
    const { ridGet } = await open();
    expect((await ridGet('ffffffff-ffffffff-ffffffff', 'never-was-one')).errcode).toBe(40014);
  });
});

test('WeCom has no rid, not even where a fault refuses', async () => {
  const { wecom, get, simulator } = await open();
  const { access_token = '' } = await wecom();
  simulator.addFault({ kind: 'errcode', errcode: 60020, errmsg: 'not allow to access from your ip' });
  const hint = /^not allow to access from your ip, hint: \[\d{19}\], from ip: 203\.0\.113\.7, more info at /;
  expect((await wecom()).errmsg).toMatch(hint);
  expect((await get('/cgi-bin/get_api_domain_ip', { access_token })).errmsg).toMatch(hint);
  expect((await get('/cgi-bin/ticket/get', {})).errmsg).toMatch(hint);
  expect((await get('/cgi-bin/get_api_domain_ip', {})).errmsg).toMatch(/rid: /);
});
