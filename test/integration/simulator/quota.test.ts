import { describe, expect, test } from 'vitest';
import { createAccount, dailyCallsOf, grantClassicToken } from '../../../local/simulator/official-account.ts';
import { DEMO_ACCOUNT } from '../../../local/simulator/simulator.ts';
import { MIDNIGHT, openSimulator } from './harness.ts';

const { appId, secret } = DEMO_ACCOUNT;
const COUNT = '/cgi-bin/openapi/quota/get';

/** With a stable token, which may count without adding to the count of the classic interface. */
const open = async (options: Parameters<typeof openSimulator>[0] = {}) => {
  const opened = await openSimulator(options);
  const { access_token: token = '' } = await opened.stable();
  return { ...opened, token, used: async () => (await opened.count(token)).quota?.used };
};

describe('the count of /cgi-bin/token', () => {
  test('has the shape of the document', async () => {
    const { classic, count, token } = await open();
    expect(await count(token)).toEqual({
      errcode: 0,
      errmsg: 'ok',
      quota: { daily_limit: 2000, used: 0, remain: 2000 },
      rate_limit: { call_count: 0, refresh_second: 0 },
      component_rate_limit: { call_count: 0, refresh_second: 0 },
    });
    await classic();
    expect((await count(token)).quota).toEqual({ daily_limit: 2000, used: 1, remain: 1999 });
  });

  test('counts the calls of every client, and those whose answers were lost or mangled', async () => {
    const { classic, simulator, used } = await open();
    const routes = ['/cgi-bin/token'];
    await classic();
    simulator.rotate(appId);
    expect(await used()).toBe(2);
    simulator.addFault({ kind: 'drop-after', count: 1, routes });
    await expect(classic()).rejects.toThrow('fetch failed');
    expect(await used()).toBe(3);
    simulator.addFault({ kind: 'delay', ms: 5, count: 1, routes });
    await classic();
    expect(await used()).toBe(4);
    simulator.addFault({ kind: 'mangled', form: 'json-null', count: 1, routes });
    await classic();
    expect(await used()).toBe(5);
    simulator.addFault({ kind: 'body', body: '{}', count: 1, routes });
    await classic();
    expect(await used()).toBe(6);
  });

  test.each([
    { kind: 'errcode', errcode: -1, errmsg: 'system error' },
    { kind: 'http-status', status: 502 },
    { kind: 'not-json' },
    { kind: 'empty-body' },
    { kind: 'drop-before' },
    { kind: 'outage' },
    { kind: 'body', body: '{"errcode":-1}', executed: false },
  ] as const)('does not count a call that WeChat never carried out: %j', async (fault) => {
    const { classic, simulator, used } = await open();
    simulator.addFault({ ...fault, count: 1, routes: ['/cgi-bin/token'] });
    await classic().catch(() => undefined);
    expect(simulator.calls('/cgi-bin/token')).toHaveLength(1);
    expect(await used()).toBe(0);
  });

  test('does not count what WeChat refuses, nor calls of stable_token', async () => {
    const { classic, stable, count, token, used } = await open();
    expect((await classic({ secret: 'wrong' })).errcode).toBe(40001);
    await stable();
    expect(await used()).toBe(0);
    expect((await count(token, '/cgi-bin/stable_token')).quota).toEqual({
      daily_limit: 500_000,
      used: 2,
      remain: 499_998,
    });
  });

  test('begins anew at midnight in Beijing', async () => {
    const { at, classic, stable, count } = await open();
    at(86_399);
    await classic();
    const { access_token } = await stable();
    expect((await count(access_token)).quota?.used).toBe(1);
    at(86_400);
    expect((await count(access_token)).quota?.used).toBe(0);
    await classic();
    expect((await count(access_token)).quota?.used).toBe(1);
  });

  test('reaches the limit, and no further', async () => {
    const { classic, count, token, simulator } = await open();
    simulator.burnDailyQuota(appId);
    expect((await count(token)).quota).toEqual({ daily_limit: 2000, used: 2000, remain: 0 });
    expect((await classic()).errcode).toBe(45009);
    expect((await count(token)).quota?.used).toBe(2000);
  });

  test('is each account’s own', async () => {
    const other = { appId: 'wxother0123456789a', secret: 'other', dailyTokenQuota: 200 };
    const { classic, count, used } = await open({ accounts: [DEMO_ACCOUNT, other] });
    const { access_token } = await classic({ appid: other.appId, secret: other.secret });
    expect((await count(access_token)).quota).toEqual({ daily_limit: 200, used: 1, remain: 199 });
    expect(await used()).toBe(0);
  });
});

describe('the count of other paths', () => {
  test('an app’s own calls', async () => {
    const { count, send, token } = await open({ protectedPaths: ['/cgi-bin/user/info'] });
    await send(token);
    await send(token);
    await send('never-was-one');
    expect((await count(token, '/cgi-bin/message/template/send')).quota?.used).toBe(2);
    expect((await count(token, '/cgi-bin/user/info')).quota?.used).toBe(0);
  });

  test('its own calls, of which there is a limit, too', async () => {
    const { at, count, token, simulator, stable } = await open();
    await count(token);
    expect((await count(token, COUNT)).quota).toMatchObject({ daily_limit: 10_000, used: 2 });
    simulator.burnDailyQuota(appId, COUNT);
    expect((await count(token)).errcode).toBe(45009);
    expect((await stable()).errcode).toBeUndefined();
    at(86_400);
    expect((await count((await stable()).access_token)).errcode).toBe(0);
  });

  test.each([
    ['cgi-bin/token', 76003],
    ['https://api.weixin.qq.com/cgi-bin/token', 76003],
    ['', 76003],
    ['/cgi-bin/nowhere', 76021],
    ['/constructor', 76021],
    ['/cgi-bin/gettoken', 76021],
    ['/sns/jscode2session', 76022],
    ['/cgi-bin/sns/oauth2', 76022],
  ])("'%s' gets %d", async (path, errcode) => {
    const { count, token } = await open();
    expect(await count(token, path)).toEqual({ errcode, errmsg: expect.stringMatching(/cgi_path.*rid: /) });
  });

  test('a body that is not JSON gets 47001, after the token', async () => {
    const { simulator, token } = await open();
    const ask = async (accessToken: string) => {
      const url = `${simulator.url}${COUNT}?access_token=${accessToken}`;
      return (await fetch(url, { method: 'POST', body: 'cgi_path=/cgi-bin/token' })).json();
    };
    expect(await ask(token)).toMatchObject({ errcode: 47001 });
    expect(await ask('never-was-one')).toMatchObject({ errcode: 40014 });
  });

  test('a token of WeCom gets 40014', async () => {
    const { count, wecom } = await open();
    expect((await count((await wecom()).access_token)).errcode).toBe(40014);
  });
});

describe('a count that cannot be trusted', () => {
  test('it lags: the count is that of so many milliseconds ago', async () => {
    const { at, classic, simulator, used } = await open();
    simulator.setCount(appId, { lagMs: 60_000 });
    at(100);
    await classic();
    at(130);
    simulator.rotate(appId);
    expect(await used()).toBe(0);
    at(159.999);
    expect(await used()).toBe(0);
    at(160);
    expect(await used()).toBe(1);
    at(190);
    expect(await used()).toBe(2);
    simulator.setCount(appId, {});
    await classic();
    expect(await used()).toBe(3);
  });

  test('it lags over midnight: for a while it is still that of the day before', async () => {
    const { at, classic, stable, count, simulator } = await open();
    simulator.setCount(appId, { lagMs: 60_000 });
    at(86_000);
    await classic();
    await classic();
    const { access_token } = await stable();
    const used = async () => (await count(access_token)).quota?.used;
    at(86_401);
    await classic();
    expect(await used()).toBe(2);
    at(86_459.999);
    expect(await used()).toBe(2);
    at(86_460);
    expect(await used()).toBe(0);
    at(86_461);
    expect(await used()).toBe(1);
  });

  test('it lags: calls that other clients used up count at once', () => {
    const policy = { lifetimeMs: 7_200_000, overlapMs: 300_000 };
    const account = createAccount({ ...DEMO_ACCOUNT, dailyTokenQuota: 5, count: { lagMs: 60_000 } });
    account.callsToday['/cgi-bin/token'] = { window: 20_455, count: 3 };
    grantClassicToken(account, MIDNIGHT + 120_000, policy);
    expect(dailyCallsOf(account, '/cgi-bin/token', MIDNIGHT + 150_000)).toEqual({ used: 3, limit: 5 });
    expect(dailyCallsOf(account, '/cgi-bin/token', MIDNIGHT + 180_000)).toEqual({ used: 4, limit: 5 });
  });

  test('it stands at 0 for ever, below a limit that is none', async () => {
    const { classic, count, token, simulator } = await open();
    simulator.setCount(appId, { frozen: true });
    for (let call = 0; call < 3; call += 1) await classic();
    expect((await count(token)).quota).toEqual({ daily_limit: 10_000, used: 0, remain: 10_000 });
    simulator.setCount(appId, {});
    expect((await count(token)).quota?.used).toBe(3);
  });

  test.each([76003, 76021, 76022, 48001] as const)(
    'it is refused with %d, whatever the path',
    async (errcode) => {
      const { count, token } = await open({ accounts: [{ ...DEMO_ACCOUNT, count: { errcode } }] });
      expect((await count(token)).errcode).toBe(errcode);
      expect((await count(token, 'nonsense')).errcode).toBe(errcode);
      expect((await count('never-was-one')).errcode).toBe(40014);
    },
  );
});

describe('clear_quota/v2', () => {
  const own = { appid: appId, appsecret: secret };
  const clear = (post: (path: string, body: object) => Promise<{ errcode?: number }>, body: object = own) =>
    post('/cgi-bin/clear_quota/v2', body);

  test('resets every count of the day, and needs no token', async () => {
    const { classic, count, token, post, simulator, used } = await open();
    simulator.burnDailyQuota(appId);
    simulator.burnDailyQuota(appId, COUNT);
    expect((await count(token)).errcode).toBe(45009);
    expect(await clear(post)).toEqual({ errcode: 0, errmsg: 'ok' });
    expect(await used()).toBe(0);
    const { access_token } = await classic();
    expect(access_token).toMatch(/^simclassic_/);
    expect(await used()).toBe(1);
  });

  test('resets the count of calls that issued tokens, before another call', async () => {
    const { classic, post, used } = await open();
    await classic();
    expect(await used()).toBe(1);
    await clear(post);
    expect(await used()).toBe(0);
  });

  test('a count that lags begins anew, too', async () => {
    const { at, classic, post, simulator, used } = await open();
    simulator.setCount(appId, { lagMs: 60_000 });
    at(3600);
    await classic();
    at(3610);
    await clear(post);
    at(3620);
    await classic();
    at(3630);
    expect(await used()).toBe(0);
    at(3680);
    expect(await used()).toBe(1);
  });

  test('ten times a month, then 48006 until the next month in Beijing', async () => {
    const { at, post } = await open();
    for (let call = 1; call <= 10; call += 1) expect((await clear(post)).errcode).toBe(0);
    expect((await clear(post)).errcode).toBe(48006);
    // It is midnight on 2 January: 30 days to the end of the month.
    at(30 * 86_400 - 1);
    expect((await clear(post)).errcode).toBe(48006);
    at(30 * 86_400);
    expect((await clear(post)).errcode).toBe(0);
  });

  test('a refused reset costs none of the ten, and resets nothing', async () => {
    const { classic, post, simulator } = await open();
    simulator.burnDailyQuota(appId);
    for (let call = 1; call <= 11; call += 1) {
      expect((await clear(post, { ...own, appsecret: 'wrong' })).errcode).toBe(40001);
    }
    expect((await classic()).errcode).toBe(45009);
    expect((await clear(post)).errcode).toBe(0);
  });

  test.each([
    [{ appsecret: secret }, 41002],
    [{ appid: 'wxnobody', appsecret: secret }, 40013],
    [{ appid: appId }, 41004],
    [{ appid: appId, secret }, 41004],
    [{ appid: appId, appsecret: 'wrong' }, 40001],
  ])('%j gets %d', async (body, errcode) => {
    const { post } = await open();
    expect((await clear(post, body)).errcode).toBe(errcode);
  });

  test('a frozen AppSecret gets 40243, a body that is no object 47001', async () => {
    const { post, simulator } = await open();
    expect((await clear(post, [own])).errcode).toBe(47001);
    simulator.setState(appId, 40243);
    expect((await clear(post)).errcode).toBe(40243);
  });
});
