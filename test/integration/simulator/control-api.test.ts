import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DEMO_ACCOUNT, DEMO_WECOM_APP } from '../../../local/simulator/simulator.ts';
import { MIDNIGHT, openSimulator } from './harness.ts';

const { appId } = DEMO_ACCOUNT;
const { corpId, agentId } = DEMO_WECOM_APP;

const open = async () => {
  const opened = await openSimulator();
  const control = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${opened.simulator.url}/_simulator/${path}`, {
      method,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  };
  return { ...opened, control };
};

const fingerprint = (value = '') => createHash('sha256').update(value).digest('hex');

describe('the control API', () => {
  test('state shows counters and fingerprints, never a value', async () => {
    const { classic, stable, ticket, wecom, wecomTicket, control } = await open();
    const classicToken = await classic();
    const stableToken = await stable();
    const jsapi = await ticket(stableToken.access_token);
    await classic({ appid: 'wxnobody' });
    const wecomToken = await wecom();
    const agentConfig = await wecomTicket('agent_config', wecomToken.access_token);
    const { json } = await control('GET', 'state');
    expect(json).toEqual({
      now: MIDNIGHT,
      calls: {
        '/cgi-bin/token': 2,
        '/cgi-bin/stable_token': 1,
        '/cgi-bin/ticket/getticket': 1,
        '/cgi-bin/gettoken': 1,
        '/cgi-bin/ticket/get': 1,
      },
      accounts: [
        {
          appId,
          calls: { '/cgi-bin/token': 1, '/cgi-bin/stable_token': 1, '/cgi-bin/ticket/getticket': 1 },
          tokens: {
            classic: fingerprint(classicToken.access_token),
            stable: fingerprint(stableToken.access_token),
          },
          tickets: { jsapi: fingerprint(jsapi.ticket), wx_card: null, sdk: null },
        },
      ],
      wecomApps: [
        {
          corpId,
          agentId,
          token: fingerprint(wecomToken.access_token),
          tickets: { jsapi: null, agent_config: fingerprint(agentConfig.ticket) },
        },
      ],
    });
  });

  test('alive and clock', async () => {
    const { classic, control } = await open();
    const { access_token } = await classic();
    expect((await control('GET', `alive?token=${access_token}`)).json).toEqual({ alive: true });
    expect((await control('POST', 'clock', { advanceMs: 7_200_000 })).json).toEqual({
      now: MIDNIGHT + 7_200_000,
    });
    expect((await control('GET', `alive?token=${access_token}`)).json).toEqual({ alive: false });
  });

  test('accounts, secret, ip-list and state change who is authenticated', async () => {
    const { classic, control } = await open();
    const other = { appid: 'wxother0123456789a', secret: 'first' };
    const errcode = async () => (await classic(other)).errcode;
    expect(await errcode()).toBe(40013);
    await control('POST', 'accounts', { appId: other.appid, secret: 'second', dailyTokenQuota: 1 });
    expect(await errcode()).toBe(40001);
    await control('POST', 'secret', { appId: other.appid, secret: 'first' });
    await control('POST', 'state', { appId: other.appid, errcode: 89503 });
    expect(await errcode()).toBe(89503);
    await control('POST', 'state', { appId: other.appid, errcode: null });
    await control('POST', 'ip-list', { appId: other.appid, allowedIps: ['198.51.100.0/24'] });
    expect(await errcode()).toBe(40164);
    await control('POST', 'ip-list', { appId: other.appid, allowedIps: null });
    expect(await errcode()).toBeUndefined();
    expect(await errcode()).toBe(45009);
    expect(await control('POST', 'rotate', { appId: other.appid })).toMatchObject({ status: 409 });
  });

  test('wecom-apps, wecom-secret and trusted-ips change who is authenticated', async () => {
    const { wecom, control } = await open();
    const other = { corpId: 'wwother0123456789a', agentId: 1000009 };
    const errcode = async () => (await wecom({ corpid: other.corpId, corpsecret: 'first' })).errcode;
    expect(await errcode()).toBe(40013);
    expect(await control('POST', 'wecom-apps', { ...other, secret: 'second' })).toEqual({
      status: 200,
      json: {},
    });
    expect(await errcode()).toBe(40001);
    await control('POST', 'wecom-secret', { ...other, secret: 'first' });
    expect(await errcode()).toBe(0);
    await control('POST', 'trusted-ips', { ...other, trustedIps: ['198.51.100.0/24'] });
    expect(await errcode()).toBe(60020);
    await control('POST', 'trusted-ips', { ...other, trustedIps: null });
    expect(await errcode()).toBe(0);
  });

  test('wecom-invalidate invalidates the token', async () => {
    const { wecom, control } = await open();
    const { access_token } = await wecom();
    expect((await control('GET', `alive?token=${access_token}`)).json).toEqual({ alive: true });
    await control('POST', 'wecom-invalidate', { corpId, agentId });
    expect((await control('GET', `alive?token=${access_token}`)).json).toEqual({ alive: false });
  });

  test('burn-quota leaves the token alone', async () => {
    const { classic, control } = await open();
    const { access_token } = await classic();
    await control('POST', 'burn-quota', { appId });
    expect((await classic()).errcode).toBe(45009);
    expect((await control('GET', `alive?token=${access_token}`)).json).toEqual({ alive: true });
  });

  test('burn-quota of another path', async () => {
    const { classic, count, control } = await open();
    const { access_token } = await classic();
    await control('POST', 'burn-quota', { appId, route: '/cgi-bin/openapi/quota/get' });
    expect((await count(access_token)).errcode).toBe(45009);
    expect((await classic()).errcode).toBeUndefined();
  });

  test('count makes the count lag, stand still or refuse', async () => {
    const { classic, count, control } = await open();
    const { access_token } = await classic();
    const used = async () => (await count(access_token)).quota?.used;
    await control('POST', 'count', { appId, lagMs: 1000 });
    expect(await used()).toBe(0);
    await control('POST', 'clock', { advanceMs: 1000 });
    expect(await used()).toBe(1);
    await control('POST', 'count', { appId, frozen: true });
    expect(await used()).toBe(0);
    await control('POST', 'count', { appId, errcode: 76022 });
    expect((await count(access_token)).errcode).toBe(76022);
    expect(await control('POST', 'count', { appId })).toEqual({ status: 200, json: {} });
    expect(await used()).toBe(1);
  });

  test('accounts may be of another kind, with a count of another behaviour', async () => {
    const { stable, ticket, count, control } = await open();
    const phone = { appId: 'wxphone0123456789a', secret: 'phone' };
    await control('POST', 'accounts', { ...phone, kind: 'open-app', count: { errcode: 76022 } });
    const { access_token } = await stable({ appid: phone.appId, secret: phone.secret });
    expect((await ticket(access_token, '2')).errcode).toBe(0);
    expect((await count(access_token)).errcode).toBe(76022);
  });

  test('invalidate, with and without the stable token being granted still', async () => {
    const { classic, stable, probe, control } = await open();
    const [classicToken, stableToken] = [await classic(), await stable()];
    await control('POST', 'invalidate', { appId, api: 'stable', stillGranted: true });
    expect(await probe(classicToken.access_token)).toBe(0);
    expect(await probe(stableToken.access_token)).toBe(40001);
    expect((await stable()).access_token).toBe(stableToken.access_token);
    await control('POST', 'invalidate', { appId });
    expect(await probe(classicToken.access_token)).toBe(40001);
    expect((await stable()).access_token).not.toBe(stableToken.access_token);
  });

  test('secret and wecom-secret may invalidate the tokens', async () => {
    const { classic, wecom, probe, control } = await open();
    const [ours, ofWecom] = [await classic(), await wecom()];
    await control('POST', 'secret', { appId, secret: 'new', invalidatesTokens: true });
    await control('POST', 'wecom-secret', { corpId, agentId, secret: 'new', invalidatesTokens: true });
    expect(await probe(ours.access_token)).toBe(40001);
    expect(await probe(ofWecom.access_token)).toBe(40014);
  });

  test('refuse-tickets and caller-ip', async () => {
    const { classic, ticket, control } = await open();
    const { access_token } = await classic();
    await control('POST', 'refuse-tickets', { appId });
    expect((await ticket(access_token)).errcode).toBe(-1000);
    await control('POST', 'ip-list', { appId, allowedIps: ['198.51.100.9'] });
    expect((await classic()).errmsg).toContain('invalid ip 203.0.113.7 ');
    await control('POST', 'caller-ip', { callerIp: '198.51.100.9' });
    expect((await classic()).errcode).toBeUndefined();
  });

  test('a WeCom app without an agent is named', async () => {
    const { wecom, control, simulator } = await open();
    const contacts = { corpId, name: 'contacts' };
    await control('POST', 'wecom-apps', { ...contacts, secret: 'first', trustedIps: ['198.51.100.1'] });
    await control('POST', 'trusted-ips', { ...contacts, trustedIps: null });
    const { access_token } = await wecom({ corpsecret: 'first' });
    expect(simulator.currentWecomToken(corpId, 'contacts')).toBe(access_token);
    expect((await control('GET', 'state')).json['wecomApps']).toMatchObject([
      { corpId, agentId },
      { corpId, name: 'contacts', token: fingerprint(access_token) },
    ]);
    await control('POST', 'wecom-invalidate', contacts);
    expect(simulator.currentWecomToken(corpId, 'contacts')).toBeUndefined();
    await control('POST', 'wecom-secret', { ...contacts, secret: 'second' });
    expect((await wecom({ corpsecret: 'first' })).errcode).toBe(40001);
  });

  test('rotate answers with the fingerprint of the new token', async () => {
    const { control, simulator } = await open();
    const { json } = await control('POST', 'rotate', { appId });
    expect(json['fingerprint']).toBe(fingerprint(simulator.currentToken(appId, 'classic')));
  });

  test('faults and calls', async () => {
    const { classic, stable, control } = await open();
    await control('POST', 'faults', { kind: 'errcode', errcode: -1, errmsg: 'system error' });
    expect((await classic()).errcode).toBe(-1);
    await control('DELETE', 'faults');
    expect((await classic()).errcode).toBeUndefined();
    await stable();
    const { json } = await control('GET', 'calls?route=/cgi-bin/token');
    expect(json).toMatchObject([{ outcome: 'errcode' }, { outcome: 'ok' }]);
    expect((await control('GET', 'calls')).json).toHaveLength(3);
  });
});

describe('a wrong request is explained', () => {
  test.each<[string, string, unknown, string]>([
    ['POST', 'rotate', {}, 'appId: '],
    ['POST', 'rotate', 'no json', 'body: '],
    ['POST', 'rotate', { appId, extra: 1 }, '"extra"'],
    ['POST', 'accounts', { appId: 'wxnew' }, 'secret: '],
    [
      'POST',
      'accounts',
      { appId: 'wxnew', secret: 'x', allowedIps: ['nonsense'] },
      'allowedIps.0: not an IP',
    ],
    ['POST', 'secret', { appId, secret: '' }, 'secret: '],
    ['POST', 'ip-list', { appId }, 'allowedIps: '],
    ['POST', 'state', { appId, errcode: 12345 }, 'errcode: '],
    ['POST', 'clock', { advanceMs: -1 }, 'advanceMs: '],
    ['POST', 'faults', { kind: 'earthquake' }, 'kind: '],
    ['POST', 'faults', { kind: 'delay' }, 'ms: '],
    ['POST', 'faults', { kind: 'outage', count: 0 }, 'count: '],
    ['POST', 'faults', { kind: 'flapping' }, 'share: '],
    ['POST', 'faults', { kind: 'flapping', share: 1.1 }, 'share: '],
    ['POST', 'faults', { kind: 'mangled', form: 'nicely' }, 'form: '],
    ['POST', 'faults', { kind: 'mangled', form: 'html', status: 99 }, 'status: '],
    ['POST', 'faults', { kind: 'body' }, 'body: '],
    ['POST', 'faults', { kind: 'body', body: { base64: 'no base64!' } }, 'body'],
    ['POST', 'count', { appId, lagMs: -1 }, 'lagMs: '],
    ['POST', 'count', { appId, errcode: 40001 }, 'errcode: '],
    ['POST', 'count', { frozen: true }, 'appId: '],
    ['POST', 'invalidate', { appId, api: 'both' }, 'api: '],
    ['POST', 'refuse-tickets', {}, 'appId: '],
    ['POST', 'caller-ip', { callerIp: 'here' }, 'callerIp: not an IP'],
    ['POST', 'burn-quota', { appId, route: 'cgi-bin/token' }, 'route: '],
    ['POST', 'accounts', { appId: 'wxnew', secret: 'x', kind: 'wecom' }, 'kind: '],
    ['GET', 'alive', undefined, 'token: '],
    ['POST', 'burn-quota', {}, 'appId: '],
    ['POST', 'wecom-apps', { corpId, agentId }, 'secret: '],
    ['POST', 'wecom-apps', { corpId, agentId: '1000002', secret: 'x' }, 'agentId: '],
    [
      'POST',
      'wecom-apps',
      { corpId, agentId, secret: 'x', trustedIps: ['nonsense'] },
      'trustedIps.0: not an IP',
    ],
    ['POST', 'wecom-apps', { corpId, secret: 'x' }, 'agentId: an app has either'],
    ['POST', 'wecom-apps', { corpId, agentId, name: 'crm', secret: 'x' }, 'agentId: an app has either'],
    ['POST', 'wecom-invalidate', { agentId }, 'corpId: '],
    ['POST', 'wecom-invalidate', { corpId, agentId: 0 }, 'agentId: '],
    ['POST', 'wecom-secret', { corpId, agentId, secret: '' }, 'secret: '],
    ['POST', 'trusted-ips', { corpId, agentId }, 'trustedIps: '],
    ['POST', 'trusted-ips', { corpId, agentId, trustedIps: null, extra: 1 }, '"extra"'],
  ])('%s %s %j', async (method, path, body, message) => {
    const { control } = await open();
    const { status, json } = await control(method, path, body);
    expect(status).toBe(400);
    expect(json['error']).toContain(message);
  });

  test.each([
    ['POST', 'rotate', { appId: 'wxnobody' }, "the simulator has no account 'wxnobody'"],
    ['POST', 'burn-quota', { appId: 'wxnobody' }, "the simulator has no account 'wxnobody'"],
    [
      'POST',
      'wecom-invalidate',
      { corpId: 'wwnobody', agentId: 1 },
      "the simulator has no WeCom app 1 in corp 'wwnobody'",
    ],
    [
      'POST',
      'wecom-invalidate',
      { corpId, name: 'contacts' },
      `the simulator has no WeCom app contacts in corp '${corpId}'`,
    ],
    ['POST', 'nowhere', {}, 'no POST /_simulator/nowhere'],
    ['DELETE', 'state', {}, 'no DELETE /_simulator/state'],
  ])('%s %s %j is not found', async (method, path, body, error) => {
    const { control } = await open();
    expect(await control(method, path, body)).toEqual({ status: 404, json: { error } });
  });
});
