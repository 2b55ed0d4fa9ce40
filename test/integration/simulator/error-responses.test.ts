import { describe, expect, test } from 'vitest';
import { accountErrorCodes } from '../../../local/simulator/error-responses.ts';
import { DEMO_ACCOUNT } from '../../../local/simulator/simulator.ts';
import { openSimulator } from './harness.ts';

const { appId } = DEMO_ACCOUNT;

describe('authentication', () => {
  test.each(accountErrorCodes)(
    'an account in state %d is refused on both token routes, until that state ends',
    async (errcode) => {
      const { classic, stable, simulator, probe } = await openSimulator();
      const { access_token } = await classic();
      simulator.setState(appId, errcode);
      expect((await classic()).errcode).toBe(errcode);
      expect((await stable()).errcode).toBe(errcode);
      expect(await probe(access_token)).toBe(0);
      simulator.setState(appId, undefined);
      expect((await classic()).errcode).toBeUndefined();
    },
  );

  test('a new secret replaces the old one; tokens stay valid', async () => {
    const { classic, simulator, probe } = await openSimulator();
    const { access_token } = await classic();
    simulator.setSecret(appId, 'brand-new');
    expect((await classic()).errcode).toBe(40001);
    expect((await classic({ secret: 'brand-new' })).errcode).toBeUndefined();
    expect(await probe(access_token)).toBe(0);
  });

  test('the first error counts: secret, state, IP list, quota', async () => {
    const { classic, simulator } = await openSimulator({
      accounts: [{ ...DEMO_ACCOUNT, allowedIps: ['198.51.100.1'], dailyTokenQuota: 1 }],
    });
    simulator.rotate(appId);
    simulator.setState(appId, 50007);
    expect((await classic({ secret: 'wrong' })).errcode).toBe(40001);
    expect((await classic()).errcode).toBe(50007);
    simulator.setState(appId, undefined);
    expect((await classic()).errcode).toBe(40164);
    simulator.setAllowedIps(appId, undefined);
    expect((await classic()).errcode).toBe(45009);
  });
});

describe('the IP list', () => {
  test.each([
    ['203.0.113.7', undefined, true],
    ['203.0.113.7', [], false],
    ['203.0.113.7', ['203.0.113.7'], true],
    ['203.0.113.7', ['203.0.113.8'], false],
    ['203.0.113.7', ['198.51.100.1', '203.0.113.0/29'], true],
    ['203.0.113.8', ['203.0.113.0/29'], false],
    ['2001:db8::7', ['2001:db8::/32'], true],
    ['2001:db9::7', ['2001:db8::/32', '203.0.113.7'], false],
  ])('%s against %j', async (callerIp, allowedIps, letIn) => {
    const { classic, stable } = await openSimulator({
      callerIp,
      accounts: [{ ...DEMO_ACCOUNT, allowedIps }],
    });
    const expected = letIn ? undefined : 40164;
    expect((await classic()).errcode).toBe(expected);
    expect((await stable()).errcode).toBe(expected);
  });

  test('40164 names the caller in the words of WeChat', async () => {
    const { classic, simulator } = await openSimulator();
    simulator.setAllowedIps(appId, ['198.51.100.1']);
    for (let call = 0; call < 4; call += 1) {
      expect((await classic()).errmsg).toMatch(
        /^invalid ip 203\.0\.113\.7 ipv6 ::ffff:203\.0\.113\.7, not in whitelist rid: [0-9a-f]+-[0-9a-f]+-[0-9a-f]+$/,
      );
    }
    simulator.setAllowedIps(appId, ['203.0.113.7']);
    expect((await classic()).errcode).toBeUndefined();
  });

  test.each(['example.com', '203.0.113.0/33', '203.0.113.0/', '2001:db8::/129', ''])(
    "'%s' is not accepted as an entry",
    async (entry) => {
      const { simulator } = await openSimulator();
      expect(() => simulator.setAllowedIps(appId, [entry])).toThrow(`'${entry}' is neither`);
    },
  );
});

describe('the IP list counts for', () => {
  const sent = '/cgi-bin/message/template/send';
  test.each([
    ['official-account', 'every call, with AppSecret or token', 40164],
    ['mini-program', 'the calls with the AppSecret alone', 0],
    ['mini-game', 'the calls with the AppSecret alone', 0],
    ['open-app', 'the calls with the AppSecret alone', 0],
  ] as const)('%s: %s', async (kind, _, withToken) => {
    const { classic, stable, probe, ticket, count, send, post, get, simulator } = await openSimulator({
      accounts: [{ ...DEMO_ACCOUNT, kind }],
      protectedPaths: ['/cgi-bin/user/info'],
    });
    const { access_token = '' } = await classic();
    const clear = { appid: appId, appsecret: DEMO_ACCOUNT.secret };
    simulator.setAllowedIps(appId, ['198.51.100.1']);
    expect((await classic()).errcode).toBe(40164);
    expect((await stable()).errcode).toBe(40164);
    expect((await post('/cgi-bin/clear_quota/v2', clear)).errcode).toBe(40164);

    const type = kind === 'open-app' ? '2' : 'jsapi';
    expect(await probe(access_token)).toBe(withToken);
    expect((await get('/cgi-bin/getcallbackip', { access_token })).errcode ?? 0).toBe(withToken);
    expect((await ticket(access_token, type)).errcode).toBe(withToken);
    expect((await count(access_token)).errcode).toBe(withToken);
    expect(await send(access_token)).toBe(withToken);
    expect((await get('/cgi-bin/user/info', { access_token })).errcode).toBe(withToken);
    expect(simulator.calls(sent)).toHaveLength(1);
    simulator.setAllowedIps(appId, ['203.0.113.0/24']);
    expect(await send(access_token)).toBe(0);
  });

  test('a token that is not accepted gets its own code', async () => {
    const { classic, probe, simulator } = await openSimulator();
    const { access_token } = await classic();
    simulator.setAllowedIps(appId, ['198.51.100.1']);
    expect(await probe('never-was-one')).toBe(40014);
    simulator.invalidate(appId);
    expect(await probe(access_token)).toBe(40001);
  });
});

describe("an app's own calls", () => {
  test('a template message needs a token of an official account', async () => {
    const { classic, stable, wecom, send, get } = await openSimulator();
    for (const { access_token } of [await classic(), await stable()])
      expect(await send(access_token)).toBe(0);
    expect(await send((await wecom()).access_token)).toBe(40014);
    expect((await get('/cgi-bin/message/template/send', {})).errcode).toBe(43002);
  });

  test('a configured path needs a token of either platform; any other path is unknown', async () => {
    const { classic, wecom, get, post } = await openSimulator({ protectedPaths: ['/cgi-bin/message/send'] });
    for (const { access_token = '' } of [await classic(), await wecom()]) {
      expect(await get('/cgi-bin/message/send', { access_token })).toEqual({ errcode: 0, errmsg: 'ok' });
      expect((await post(`/cgi-bin/message/send?access_token=${access_token}`, {})).errcode).toBe(0);
      expect((await get('/cgi-bin/user/info', { access_token })).errcode).toBe(40066);
    }
    expect((await get('/cgi-bin/message/send', {})).errcode).toBe(41001);
  });
});

describe('what differs from answer to answer', () => {
  test('the separator before rid varies, and the errcode does not', async () => {
    const { classic } = await openSimulator();
    const refusals = [];
    for (let call = 0; call < 8; call += 1) refusals.push(await classic({ grant_type: 'x' }));
    const separators = refusals.map(
      ({ errmsg }) => /^invalid grant_type(.*)rid: \w+-\w+-\w+$/.exec(errmsg ?? '')?.[1],
    );
    expect(new Set(separators)).toEqual(new Set([' ', ', ', '; ', ' , ']));
    expect(new Set(refusals.map(({ errmsg }) => errmsg)).size).toBe(8);
    expect(new Set(refusals.map(({ errcode }) => errcode))).toEqual(new Set([40002]));
  });

  test('the Content-Type is one of two', async () => {
    const { simulator } = await openSimulator();
    const seen = [];
    for (let call = 0; call < 4; call += 1) {
      seen.push((await fetch(`${simulator.url}/cgi-bin/token`)).headers.get('content-type'));
    }
    expect(new Set(seen)).toEqual(new Set(['application/json; encoding=utf-8', 'text/plain']));
  });

  test('two runs are alike', async () => {
    const [one, two] = [await openSimulator(), await openSimulator()];
    expect(await one.classic({ grant_type: 'x' })).toEqual(await two.classic({ grant_type: 'x' }));
    expect(await one.classic()).toEqual(await two.classic());
  });
});

test.each([
  ['GET', '/cgi-bin/nowhere', 40066],
  ['GET', '/constructor', 40066],
  ['POST', '/cgi-bin/token', 43001],
  ['POST', '/cgi-bin/get_api_domain_ip', 43001],
  ['POST', '/cgi-bin/gettoken', 43001],
  ['PUT', '/cgi-bin/ticket/getticket', 43001],
  ['GET', '/cgi-bin/openapi/quota/get', 43002],
  ['GET', '/cgi-bin/openapi/rid/get', 43002],
  ['GET', '/cgi-bin/clear_quota/v2', 43002],
  ['PUT', '/cgi-bin/stable_token', 43002],
])('%s %s gets %d', async (method, path, errcode) => {
  const { simulator } = await openSimulator();
  const response = await fetch(`${simulator.url}${path}`, { method });
  expect([response.status, await response.json()]).toMatchObject([200, { errcode }]);
});
