import { beforeEach, describe, expect, test } from 'vitest';
import { nonWaitingClock } from '../../bench/harness/memory-world.ts';
import {
  blankRecord,
  type CredentialRecord,
  fingerprintOf,
  type IssuedValue,
} from '../../functions/core/credential.ts';
import { allowAnonymous } from '../../functions/http/authenticator.ts';
import { type ReadApi, readApi } from '../../functions/http/read-api.ts';
import { contacts, crm, mini, phone, shop } from '../support/apps.ts';

// 2026-01-01 00:00:00 UTC; every instant is literal.
const T0 = 1_767_225_600_000;
const shopStable = { ...shop, name: 'shop-stable', tokenApi: 'stable' } as const;
/** The one app of its corp, so that a caller without a key may have its token. */
const contactsAlone = { ...contacts, corpId: 'ww2' } as const;
/** A corp with two secrets without an agent. */
const archive = { ...contacts, name: 'archive', corpId: 'ww3' } as const;
const school = { ...contacts, name: 'school', corpId: 'ww3' } as const;

let now: number;
let reads: number;
let down: boolean;
let records: Map<string, CredentialRecord>;
let api: ReadApi;

function put(id: string, value: string, account: string, changes: Partial<IssuedValue> = {}): void {
  records.set(id, {
    ...blankRecord(id),
    version: 2,
    current: {
      value,
      fingerprint: fingerprintOf(value),
      account,
      issuedAt: T0,
      expiresAt: 1_767_232_800_000,
      renewedAt: T0,
      confirmedAt: T0,
      ...changes,
    },
    previous: { fingerprint: fingerprintOf(`${value}-before`), validUntil: 1_767_225_900_000 },
  });
}

beforeEach(() => {
  now = T0;
  reads = 0;
  down = false;
  records = new Map();
  put('shop/access-token', 'shop-token', 'wx1');
  put('shop/jsapi-ticket', 'shop-ticket', 'wx1', { expiresAt: 1_767_230_000_500 });
  put('shop-stable/access-token', 'shop-stable-token', 'wx1');
  put('mini/access-token', 'mini-token', 'wx2');
  put('crm/access-token', 'crm-token', 'ww1/1000002');
  put('crm/jsapi-ticket', 'crm-ticket', 'ww1/1000002');
  put('crm/agent-config-ticket', 'crm-agent-ticket', 'ww1/1000002');
  put('phone/access-token', 'phone-token', 'wx3');
  put('phone/sdk-ticket', 'phone-sdk-ticket', 'wx3');
  put('contacts/access-token', 'contacts-token', 'ww2/contacts');
  put('archive/access-token', 'archive-token', 'ww3/archive');
  put('school/access-token', 'school-token', 'ww3/school');
  api = readApi({
    apps: [shop, shopStable, mini, crm, phone, contactsAlone, archive, school],
    authenticator: allowAnonymous,
    refreshAfterMs: 6_000_000,
    cacheSeconds: 10,
    store: {
      async read(ids) {
        reads += 1;
        if (down) throw new TypeError('shop-token');
        return new Map([...records].filter(([id]) => ids.includes(id)));
      },
    },
    clock: nonWaitingClock(() => now),
    nonce: () => 'nonce',
  });
});

async function get(target: string, method = 'GET') {
  const [path = '', query] = target.split('?');
  const response = await api({ method, path, query: new URLSearchParams(query), headers: {}, body: '' });
  expect(response).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
  return JSON.parse(response.body);
}
async function post(path: string, body: unknown) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await api({ method: 'POST', path, query: new URLSearchParams(), headers: {}, body: text });
  expect(response.status).toBe(200);
  return JSON.parse(response.body);
}
const token = (appid: string) => get(`/cgi-bin/token?grant_type=client_credential&appid=${appid}`);
const stable = (changes: object = {}) =>
  post('/cgi-bin/stable_token', { grant_type: 'client_credential', appid: 'wx1', secret: 'any', ...changes });
const ticket = (accessToken: string, type = 'jsapi') =>
  get(`/cgi-bin/ticket/getticket?access_token=${accessToken}&type=${type}`);

describe('expires_in says how long an SDK may keep', () => {
  // A classic token is renewed at minute 100 and valid for five minutes more: until 01:45.
  test.each<[string, number, number]>([
    ['just issued', 1_767_225_600_000, 6300],
    ['half a second later', 1_767_225_600_500, 6299],
    ['at minute 99', 1_767_231_540_000, 360],
    ['at minute 100, when it is due', 1_767_231_600_000, 300],
    ['at minute 110, when its renewal is late', 1_767_232_200_000, 300],
    ['in its last minutes, when its renewal is very late', 1_767_232_700_000, 100],
  ])('a classic token %s', async (_, at, seconds) => {
    now = at;
    // Not that of shop-stable, which has the same AppID.
    expect(await token('wx1')).toEqual({ access_token: 'shop-token', expires_in: seconds });
  });

  test('a stable token until its end, because it is valid beside the next one', async () => {
    expect(await stable()).toEqual({ access_token: 'shop-stable-token', expires_in: 7200 });
  });

  test("the stable token of a classic app whose day's calls are used up, until its end", async () => {
    const record = records.get('shop/access-token');
    if (record) records.set(record.id, { ...record, classicQuotaBackAt: T0 + 3_600_000 });
    expect(await token('wx1')).toEqual({ access_token: 'shop-token', expires_in: 7200 });
  });

  test("a ticket and WeCom's token until their end", async () => {
    expect(await ticket('shop-token')).toEqual({
      errcode: 0,
      errmsg: 'ok',
      ticket: 'shop-ticket',
      expires_in: 4400,
    });
    expect(await get('/cgi-bin/gettoken?corpid=ww1&corpsecret=any')).toEqual({
      errcode: 0,
      errmsg: 'ok',
      access_token: 'crm-token',
      expires_in: 7200,
    });
  });
});

describe('the token routes', () => {
  test('serve an account that uses the other interface', async () => {
    expect(await token('wx2')).toMatchObject({ access_token: 'mini-token' });
    records.delete('shop-stable/access-token');
    expect(await stable({ appid: 'wx2' })).toMatchObject({ access_token: 'mini-token' });
  });

  test('serve an open-platform app by its AppID', async () => {
    expect(await stable({ appid: 'wx3' })).toEqual({ access_token: 'phone-token', expires_in: 7200 });
  });

  test('serve a secret without an agent by its CorpID, if it is the only app of the corp', async () => {
    expect(await get('/cgi-bin/gettoken?corpid=ww2&corpsecret=any')).toMatchObject({
      errcode: 0,
      access_token: 'contacts-token',
    });
    expect(await get('/cgi-bin/gettoken?corpid=ww3&corpsecret=any')).toEqual({
      errcode: 40001,
      errmsg: expect.stringContaining('several apps of this corp are in scope (archive, school'),
    });
  });

  test('return the current token for force_refresh', async () => {
    for (const force_refresh of [true, 'true', 1]) {
      expect(await stable({ force_refresh })).toMatchObject({ access_token: 'shop-stable-token' });
    }
  });

  test('ignore unknown and repeated parameters, as WeChat does', async () => {
    expect(
      await get('/cgi-bin/token?grant_type=client_credential&appid=wx1&lang=zh&appid=wx2'),
    ).toMatchObject({
      access_token: 'shop-token',
    });
  });
});

describe('-1 with HTTP 200, on which SDKs try again', () => {
  test.each<[string, string, () => Promise<unknown>]>([
    ['token', 'shop/access-token', () => token('wx1')],
    ['stable_token', 'shop-stable/access-token', () => stable()],
    ['gettoken', 'crm/access-token', () => get('/cgi-bin/gettoken?corpid=ww1&corpsecret=x')],
    ['getticket', 'shop/jsapi-ticket', () => ticket('shop-token')],
    ['get_jsapi_ticket', 'crm/jsapi-ticket', () => get('/cgi-bin/get_jsapi_ticket?access_token=crm-token')],
  ])('%s without a valid value, and without a table', async (_, id, call) => {
    const record = records.get(id);
    records.delete(id);
    expect(await call()).toEqual({ errcode: -1, errmsg: expect.stringContaining('no live') });
    now = 1_767_232_800_000;
    if (record) records.set(id, record);
    const isToken = id.endsWith('access-token');
    // A ticket is requested with a token, and that has ended, too.
    expect(await call()).toMatchObject({ errcode: isToken ? -1 : 40001 });
    down = true;
    expect(await call()).toEqual({
      errcode: -1,
      errmsg: 'system error: the table did not answer (TypeError)',
    });
  });
});

describe('a ticket is served', () => {
  test('for the current token, and for the previous one while that is valid', async () => {
    expect(await ticket('shop-token')).toMatchObject({ ticket: 'shop-ticket' });
    now = 1_767_225_899_999;
    expect(await ticket('shop-token-before')).toMatchObject({ ticket: 'shop-ticket' });
    now = 1_767_225_900_000;
    expect(await ticket('shop-token-before')).toMatchObject({ errcode: 40001 });
  });

  test.each([
    ['a call without a token', '', 41001],
    ['an unknown token', 'unknown', 40001],
    ["a WeCom app's token", 'crm-token', 40001],
    ['the fingerprint of the token', fingerprintOf('shop-token'), 40001],
  ])('not for %s', async (_, accessToken, errcode) => {
    expect(await ticket(accessToken)).toMatchObject({ errcode });
  });

  test('of the SDK as type 2, for the token of an app that has it', async () => {
    expect(await ticket('phone-token', '2')).toEqual({
      errcode: 0,
      errmsg: 'ok',
      ticket: 'phone-sdk-ticket',
      expires_in: 7200,
    });
    expect(await ticket('phone-token', 'jsapi')).toMatchObject({ errcode: 48001 });
    expect(await ticket('phone-token', 'sdk')).toEqual({
      errcode: 40097,
      errmsg: 'invalid args: type is one of jsapi, wx_card, 2',
    });
    expect(await ticket('shop-token', '2')).toMatchObject({ errcode: 48001 });
    expect(await ticket('crm-token', '2')).toMatchObject({ errcode: 40001 });
  });

  test('not of an agent, for the token of a secret without one', async () => {
    const routes = ['get_jsapi_ticket', 'ticket/get'];
    for (const route of routes) {
      expect(await get(`/cgi-bin/${route}?access_token=archive-token&type=agent_config`)).toMatchObject({
        errcode: 48001,
        errmsg: expect.stringContaining("app 'archive'"),
      });
    }
  });

  test("not for an official account's token on WeCom's routes", async () => {
    expect(await get('/cgi-bin/get_jsapi_ticket?access_token=shop-token')).toMatchObject({ errcode: 40001 });
    expect(await get('/cgi-bin/ticket/get?access_token=shop-token&type=agent_config')).toMatchObject({
      errcode: 40001,
    });
  });

  test('for a token that was written after the last read of the table', async () => {
    await ticket('shop-token');
    put('shop/access-token', 'newer-token', 'wx1');
    expect(await ticket('newer-token')).toMatchObject({ ticket: 'shop-ticket' });
  });

  test('with one read of the table in cacheSeconds', async () => {
    await ticket('shop-token');
    const before = reads;
    await ticket('shop-token');
    expect(reads).toBe(before);
  });

  test('not for an older token, when cacheSeconds are over', async () => {
    await ticket('shop-token');
    put('shop/access-token', 'newer-token', 'wx1');
    now += 9_999;
    expect(await ticket('shop-token')).toMatchObject({ ticket: 'shop-ticket' });
    now += 1;
    expect(await ticket('shop-token')).toMatchObject({ errcode: 40001 });
  });

  test('not for a token of an account that is no longer configured', async () => {
    put('shop/access-token', 'shop-token', 'wx-previous');
    expect(await ticket('shop-token')).toMatchObject({ errcode: 40001 });
    expect(await ticket('shop-token-before')).toMatchObject({ errcode: 40001 });
  });

  test('not of a type that WeChat does not know, or that is not configured', async () => {
    expect(await ticket('shop-token', 'agent_config')).toMatchObject({ errcode: 40097 });
    expect(await ticket('shop-token', 'wx_card')).toEqual({
      errcode: 48001,
      errmsg: "api unauthorized: add wx_card to the tickets of app 'shop' and deploy",
    });
    expect(await get('/cgi-bin/ticket/get?access_token=crm-token&type=jsapi')).toMatchObject({
      errcode: 40097,
    });
    expect(await get('/cgi-bin/ticket/get?access_token=crm-token&type=agent_config')).toMatchObject({
      ticket: 'crm-agent-ticket',
    });
  });
});

test.each([
  ["another of WeChat's routes", () => get('/cgi-bin/user/info?access_token=shop-token'), 40066],
  ['a path that is a property of every object', () => get('/cgi-bin/__proto__'), 40066],
  ['POST to token', () => get('/cgi-bin/token', 'POST'), 43001],
  ['GET of stable_token', () => get('/cgi-bin/stable_token'), 43002],
  ['a body that is not JSON', () => post('/cgi-bin/stable_token', 'a=b'), 47001],
  ['a body that is a list', () => post('/cgi-bin/stable_token', []), 47001],
  ['an appid that is not a string', () => stable({ appid: 7 }), 41002],
  ['an appid that is an object', () => stable({ appid: { $ne: '' } }), 41002],
  ['no corpid', () => get('/cgi-bin/gettoken'), 41002],
  ['an unknown corpid', () => get('/cgi-bin/gettoken?corpid=ww9'), 40013],
  ['an AppID as corpid', () => get('/cgi-bin/gettoken?corpid=wx1'), 40013],
  ["an open-platform app's AppID as corpid", () => get('/cgi-bin/gettoken?corpid=wx3'), 40013],
  ['a CorpID as appid', () => token('ww1'), 40013],
])('%s is refused', async (_, call, errcode) => {
  expect(await call()).toEqual({ errcode, errmsg: expect.stringMatching(/\S/) });
});
