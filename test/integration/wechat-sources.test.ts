import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { App, WechatApp } from '../../functions/core/credential.ts';
import { SourceError } from '../../functions/core/errors.ts';
import { wechatClient } from '../../functions/wechat/client.ts';
import { wechatDiagnostics } from '../../functions/wechat/diagnostics.ts';
import { EgressDispatcher } from '../../functions/wechat/egress.ts';
import { officialErrorCodes } from '../../functions/wechat/official-error-codes.ts';
import { wechatSource } from '../../functions/wechat/sources.ts';
import { wecomErrorCodes } from '../../functions/wechat/wecom-error-codes.ts';
import { type AnsweringServer, type Reply, startAnsweringServer } from '../support/answering-server.ts';
import { crm, phone, shop } from '../support/apps.ts';

const TOKEN = 'the-token-that-is-probed';
const SECRET = '0123456789abcdef0123456789abcdef';
const COUNT = '/cgi-bin/openapi/quota/get';
const PROBE = '/cgi-bin/get_api_domain_ip';

let server: AnsweringServer;
let egress: EgressDispatcher;
/** What each path answers; another one gets a 404. */
let replies: Record<string, Reply>;

beforeEach(async () => {
  replies = {};
  server = await startAnsweringServer((_index, path) => replies[path.split('?')[0] ?? ''] ?? { status: 404 });
  egress = new EgressDispatcher(async () => undefined);
});
afterEach(async () => {
  await egress.close();
  await server.close();
});

function wechat() {
  const timing = { now: () => 0, random: () => 0, sleep: async () => undefined };
  const hosts = [server.url];
  const official = wechatClient({ hosts, errorCodes: officialErrorCodes }, egress, timing, () => undefined);
  const wecom = wechatClient({ hosts, errorCodes: wecomErrorCodes }, egress, timing, () => undefined);
  return {
    source: wechatSource({ official, wecom }),
    diagnostics: wechatDiagnostics({ official, hosts: { official: hosts, wecom: hosts } }, egress, () => 0),
  };
}

const paths = () => server.requests.map(({ path }) => path.split('?')[0]);

async function failure(promise: Promise<unknown>): Promise<SourceError> {
  const error = await promise.catch((thrown: unknown) => thrown);
  if (!(error instanceof SourceError)) throw new Error(`it did not fail as expected: ${String(error)}`);
  expect(`${error.message}${error.stack}`).not.toMatch(new RegExp(`${TOKEN}|${SECRET}`));
  return error;
}

describe.each<App>([shop, crm])('a probe of $kind', (app) => {
  test.each([40001, 40014, 42001, '40001', ' 42001 '])('errcode %j: not accepted', async (errcode) => {
    replies[PROBE] = { body: { errcode, errmsg: null } };
    expect(await wechat().source.accepts(app, TOKEN)).toBe(false);
    expect(server.requests).toHaveLength(1);
  });

  test('the list: accepted', async () => {
    replies[PROBE] = { body: { ip_list: ['198.51.100.7'] } };
    expect(await wechat().source.accepts(app, TOKEN)).toBe(true);
    expect(server.requests[0]).toMatchObject({ method: 'GET', path: `${PROBE}?access_token=${TOKEN}` });
  });

  test.each<[string, Reply, string]>([
    ['HTML', { body: '<html>' }, 'not-json'],
    ['a 200 without a body', {}, 'empty-body'],
    ['a refusal that was cut off', { body: '{"errcode":40001,"errm' }, 'not-json'],
    ['an error page', { status: 502, body: 'Bad Gateway' }, 'http-502'],
    ['no errcode and no list', { body: { message: 'ok' } }, 'bad-answer'],
    ['F10: an errcode that is no number', { body: { errcode: 'invalid token', ip_list: [] } }, 'bad-answer'],
    ['errcode 0 without the list', { body: { errcode: 0, errmsg: 'ok' } }, 'bad-answer'],
    ['another refusal', { body: { errcode: 50099, errmsg: 'no' } }, '50099'],
  ])('%s says nothing about the token', async (_name, reply, code) => {
    replies[PROBE] = reply;
    expect(await failure(wechat().source.accepts(app, TOKEN))).toMatchObject({
      code,
      kind: 'transient',
      rejectedCredential: undefined,
    });
  });
});

describe('a count', () => {
  test.each([
    { daily_limit: 2_000, used: 16, remain: 1_984 },
    { daily_limit: '2000', used: '16' },
  ])('%j proves the token, too', async (quota) => {
    replies[COUNT] = { body: { errcode: 0, errmsg: 'ok', quota, rate_limit: null } };
    expect(await wechat().source.countCalls(shop, TOKEN)).toEqual({
      accepted: true,
      calls: { used: 16, limit: 2_000 },
    });
    expect(server.requests).toMatchObject([
      { method: 'POST', path: `${COUNT}?access_token=${TOKEN}`, body: '{"cgi_path":"/cgi-bin/token"}' },
    ]);
  });

  test.each([40001, '40014', 42001])('refused with %j: the token is not accepted', async (errcode) => {
    replies[COUNT] = { body: { errcode, errmsg: 'invalid credential' } };
    expect(await wechat().source.countCalls(shop, TOKEN)).toEqual({ accepted: false });
    expect(paths()).toEqual([COUNT]);
  });

  const refusedToCount: [string, Reply][] = [
    ...[76003, 76021, 76022, 48001, '45009', 50099].map((errcode): [string, Reply] => [
      String(errcode),
      { body: { errcode, errmsg: 'no' } },
    ]),
    ['errcode 0 and no count', { body: { errcode: 0, errmsg: 'ok' } }],
    ['a count without numbers', { body: { errcode: 0, quota: { used: 'many', daily_limit: null } } }],
    ['an answer of another shape', { body: { quota: [] } }],
  ];

  test.each(refusedToCount)('%s: the cheap probe decides', async (_name, reply) => {
    replies[COUNT] = reply;
    replies[PROBE] = { body: { ip_list: [] } };
    expect(await wechat().source.countCalls(shop, TOKEN)).toEqual({ accepted: true, calls: undefined });
    expect(paths()).toEqual([COUNT, PROBE]);

    replies[PROBE] = { body: { errcode: 40001, errmsg: 'invalid credential' } };
    expect(await wechat().source.countCalls(shop, TOKEN)).toEqual({ accepted: false, calls: undefined });

    replies[PROBE] = { status: 502 };
    expect(await failure(wechat().source.countCalls(shop, TOKEN))).toMatchObject({ code: 'http-502' });
  });

  test.each<[string, Reply]>([
    ['http-502', { status: 502 }],
    ['-1', { body: { errcode: -1 } }],
    ['UND_ERR_SOCKET', { fault: 'broken' }],
  ])('%s: the cheap probe decides, and the count is asked for again', async (code, reply) => {
    replies[COUNT] = reply;
    replies[PROBE] = { body: { ip_list: [] } };
    expect(await wechat().source.countCalls(shop, TOKEN)).toEqual({
      accepted: true,
      calls: undefined,
      countFailed: true,
    });
    expect(paths()).toEqual(expect.arrayContaining([COUNT, PROBE]));

    replies[PROBE] = { body: { errcode: 40001, errmsg: 'invalid credential' } };
    expect(await wechat().source.countCalls(shop, TOKEN)).toEqual({ accepted: false });

    // What breaks every call says nothing about the token.
    replies[PROBE] = reply;
    expect(await failure(wechat().source.countCalls(shop, TOKEN))).toMatchObject({ code });
  });
});

describe('a ticket', () => {
  test.each([
    [shop, 'jsapi-ticket', '/cgi-bin/ticket/getticket', 'jsapi'],
    [shop, 'wx-card-ticket', '/cgi-bin/ticket/getticket', 'wx_card'],
    [phone, 'sdk-ticket', '/cgi-bin/ticket/getticket', '2'],
    [crm, 'jsapi-ticket', '/cgi-bin/get_jsapi_ticket', null],
    [crm, 'agent-config-ticket', '/cgi-bin/ticket/get', 'agent_config'],
  ] as const)('%o %s', async (app, name, path, type) => {
    replies[path] = { body: { errcode: 0, errmsg: 'ok', ticket: 'ticket', expires_in: 7_200 } };
    const grant = await wechat().source.fetch({ app, name, accessToken: TOKEN });
    expect(grant).toEqual({ value: 'ticket', expiresInSeconds: 7_200, upstreamCalls: 1 });
    const asked = new URL(server.requests[0]?.path ?? '', server.url).searchParams;
    expect([asked.get('access_token'), asked.get('type')]).toEqual([TOKEN, type]);
  });

  test('F8: -1000 makes the access token suspect, and is asked for once', async () => {
    replies['/cgi-bin/ticket/getticket'] = { body: { errcode: -1000, errmsg: 'system error' } };
    const request = { app: shop, name: 'jsapi-ticket', accessToken: TOKEN } as const;
    expect(await failure(wechat().source.fetch(request))).toMatchObject({
      code: '-1000',
      rejectedCredential: 'access-token',
    });
    expect(server.requests).toHaveLength(1);
  });
});

describe('a diagnosis', () => {
  test.each([
    ['classic', '/cgi-bin/token'],
    ['stable', '/cgi-bin/stable_token'],
  ] as const)("counts the calls of the app's interface, %s", async (tokenApi, path) => {
    replies[COUNT] = { body: { errcode: 0, quota: { daily_limit: '500000', used: 3 } } };
    const app: WechatApp = { ...shop, tokenApi };
    expect(await wechat().diagnostics.tokenCalls(app, TOKEN)).toEqual({ used: 3, limit: 500_000 });
    expect(server.requests[0]?.body).toBe(JSON.stringify({ cgi_path: path }));
  });

  test('explains a request by its address, time and cost alone', async () => {
    replies['/cgi-bin/openapi/rid/get'] = {
      body: {
        errcode: 0,
        errmsg: 'ok',
        request: {
          invoke_time: 1_635_156_704,
          cost_in_ms: 30,
          request_url: `/cgi-bin/token?grant_type=client_credential&appid=wx1&secret=${SECRET}`,
          request_body: SECRET,
          response_body: `{"access_token":"${TOKEN}"}`,
          client_ip: '203.0.113.7',
        },
      },
    };
    expect(await wechat().diagnostics.explain(shop, TOKEN, '1-2-3')).toEqual({
      clientIp: '203.0.113.7',
      at: 1_635_156_704_000,
      costMs: 30,
    });
    expect(server.requests).toMatchObject([
      { path: `/cgi-bin/openapi/rid/get?access_token=${TOKEN}`, body: '{"rid":"1-2-3"}' },
    ]);
  });

  test.each<[string, object]>([
    ['76001', { errcode: 76001, errmsg: 'rid not found' }],
    ['bad-answer', { errcode: 0, request: { client_ip: `${TOKEN}` } }],
  ])('fails with %s', async (code, body) => {
    replies['/cgi-bin/openapi/rid/get'] = { body };
    expect(await failure(wechat().diagnostics.explain(shop, TOKEN, '1-2-3'))).toMatchObject({ code });
  });
});

describe('the reset of the quota', () => {
  const CLEAR = '/cgi-bin/clear_quota/v2';

  test('needs the secret alone', async () => {
    replies[CLEAR] = { body: { errcode: 0, errmsg: 'ok' } };
    await wechat().diagnostics.clearQuota(shop, SECRET);
    expect(server.requests).toMatchObject([
      { method: 'POST', path: CLEAR, body: JSON.stringify({ appid: 'wx1', appsecret: SECRET }) },
    ]);
  });

  test.each<[string, Reply, number]>([
    ['48006', { body: { errcode: 48006, errmsg: 'forbid to clear quota because of reaching the limit' } }, 1],
    ['bad-answer', { body: {} }, 1],
    // There are ten a month, and a lost answer may have taken one.
    ['http-502', { status: 502 }, 1],
    ['UND_ERR_SOCKET', { fault: 'broken' }, 1],
    ['-1', { body: { errcode: -1 } }, 4],
  ])('fails with %s', async (code, reply, requests) => {
    replies[CLEAR] = reply;
    expect(await failure(wechat().diagnostics.clearQuota(shop, SECRET))).toMatchObject({ code });
    expect(server.requests).toHaveLength(requests);
  });
});

test('a proxy that cannot be read does not hide that an attempt before it may have rotated', async () => {
  const unreadable = new SourceError('The URL of the proxy could not be read.', {
    code: 'proxy-unreadable',
    kind: 'transient',
    reachedWechat: false,
  });
  replies['/cgi-bin/token'] = { status: 502 };
  const timing = { now: () => 0, random: () => 0, sleep: async () => undefined };
  // The first host is on this machine and needs no proxy.
  const platform = { hosts: [server.url, 'https://wechat.test'], errorCodes: officialErrorCodes };
  const behindProxy = new EgressDispatcher(() => Promise.reject(unreadable));
  const client = wechatClient(platform, behindProxy, timing, () => undefined);
  const source = wechatSource({ official: client, wecom: client });
  const request = { app: shop, name: 'access-token', secret: SECRET, tokenApi: 'classic' } as const;
  expect(await failure(source.fetch({ ...request, force: false }))).toMatchObject({
    code: 'proxy-unreadable',
    mayHaveRotated: true,
    upstreamCalls: 1,
  });
  await behindProxy.close();
});
