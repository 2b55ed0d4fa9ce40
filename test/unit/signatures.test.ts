import { describe, expect, test } from 'vitest';
import { nonWaitingClock } from '../../bench/harness/memory-world.ts';
import { type App, accountOf, blankRecord, type CredentialRecord } from '../../functions/core/credential.ts';
import { allowAnonymous } from '../../functions/http/authenticator.ts';
import { readApi } from '../../functions/http/read-api.ts';
import { sdkSignature } from '../../functions/http/signature-route.ts';
import { contacts, crm, mini, phone, shop } from '../support/apps.ts';

/** The routes that sign. Vectors are those of docs/wechat.md#tickets; others were made by `printf %s '…' | sha1sum`. */

const JSAPI_TICKET = 'sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg';
const CARD_TICKET = 'ojZ8YtyVyr30HheH3CM73y7h4jJE';
const CARD_ID = 'pjZ8Yt1XGILfi-FUsewpnnolGgZk';
const SDK_TICKET = '-p3A5zVP95IuafPhzA6lRR95_F9nZEBfJ_n4E9t8ZFWKJTDPOwccVQhHCwDBmvLkayF_jh-m9HOExhumOziDWA';

const cards = { ...shop, tickets: ['jsapi', 'wx_card'] } as const;

type Moment = { readonly nowMs: number; readonly nonce: string };
/** That of the official vector of each signature. */
const JSAPI_MOMENT: Moment = { nowMs: 1_414_587_457_999, nonce: 'Wm3WZYTPz0wzccnW' };
const CARD_MOMENT: Moment = { nowMs: 1_404_896_688_999, nonce: '123' };
const SDK_MOMENT: Moment = { nowMs: 1_417_508_194_999, nonce: 'noncestr' };

function ticketOf(app: App, name: string, value: string, nowMs: number): [string, CredentialRecord] {
  const id = `${app.name}/${name}`;
  const [issuedAt, expiresAt] = [nowMs - 60_000, nowMs + 7_000_000];
  const current = {
    value,
    fingerprint: 'a'.repeat(64),
    account: accountOf(app),
    issuedAt,
    expiresAt,
    renewedAt: issuedAt,
    confirmedAt: issuedAt,
  };
  return [id, { ...blankRecord(id), version: 1, mirroredVersion: 1, current }];
}

async function get(target: string, { nowMs, nonce }: Moment) {
  const records = new Map([
    ticketOf(cards, 'jsapi-ticket', JSAPI_TICKET, nowMs),
    ticketOf(cards, 'wx-card-ticket', CARD_TICKET, nowMs),
    ticketOf(crm, 'jsapi-ticket', 'the-corps-ticket', nowMs),
    ticketOf(crm, 'agent-config-ticket', JSAPI_TICKET, nowMs),
    ticketOf(phone, 'sdk-ticket', SDK_TICKET, nowMs),
  ]);
  const api = readApi({
    apps: [cards, mini, crm, phone, contacts],
    authenticator: allowAnonymous,
    refreshAfterMs: 6_000_000,
    cacheSeconds: 10,
    store: { read: async (ids) => new Map([...records].filter(([id]) => ids.includes(id))) },
    clock: nonWaitingClock(() => nowMs),
    nonce: () => nonce,
  });
  const [, path = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(target) ?? [];
  const answer = await api({ method: 'GET', path, query: new URLSearchParams(query), headers: {}, body: '' });
  return { status: answer.status, cache: answer.headers['cache-control'], body: JSON.parse(answer.body) };
}

const encoded = encodeURIComponent;

describe('wx.config, jsapi-signature', () => {
  test.each([
    // The browser's own encoding is signed as it is.
    ['https://example.com/%E4%BD%A0%E5%A5%BD?q=a+b&r=%20', 'e3f054931f44b26b0b7a4649326c80f6301d15d5'],
    // So is what no UTF-8 stands behind: a page of GBK, and a lone percent sign.
    ['https://example.com/%C4%E3?share=100%', '71472a294b0a8c4cb3ff21d19656b3abee182d5f'],
  ])('signs %s byte for byte', async (url, signature) => {
    const { status, body } = await get(
      `/apps/shop/jsapi-signature?url=${encoded(`${url}#/top`)}`,
      JSAPI_MOMENT,
    );
    expect({ status, body }).toEqual({
      status: 200,
      body: { appId: 'wx1', timestamp: 1_414_587_457, nonceStr: 'Wm3WZYTPz0wzccnW', signature },
    });
  });

  test('is the CorpID for WeCom', async () => {
    const { body } = await get('/apps/crm/jsapi-signature?url=https%3A%2F%2Fa.b%2F', JSAPI_MOMENT);
    expect(body).toMatchObject({ appId: 'ww1' });
  });
});

describe('wx.agentConfig, agent-config-signature', () => {
  test("signs WeChat's vector with the agent's ticket, and names corp and agent", async () => {
    const url = encoded('http://mp.weixin.qq.com?params=value#top');
    expect(await get(`/apps/crm/agent-config-signature?url=${url}`, JSAPI_MOMENT)).toEqual({
      status: 200,
      cache: 'no-store',
      body: {
        corpid: 'ww1',
        agentid: 1_000_002,
        timestamp: 1_414_587_457,
        nonceStr: 'Wm3WZYTPz0wzccnW',
        signature: '0f9de62fce790f9a083d5c99e95740ceb90c27ed',
      },
    });
  });
});

describe.each(['shop/jsapi-signature', 'crm/agent-config-signature'])('%s refuses', (route) => {
  test.each([
    ['raw Chinese', 'https://example.com/你好', 21, '4F60'],
    ['half of it decoded', 'https://example.com/%E4%BD%A0好', 30, '597D'],
    ['Latin-1 for UTF-8', 'https://example.com/ä½\u00a0', 21, '00E4'],
    ['a character outside the BMP', 'https://example.com/😀', 21, '1F600'],
    ['one in the query', 'https://example.com/?a=b&c=é', 28, '00E9'],
    ['a host that is not in Punycode', 'https://例え.jp/', 9, '4F8B'],
    ['a blank', 'https://example.com/?q=a b', 25, '0020'],
    ['a line break', 'https://example.com/\n', 21, '000A'],
    ['DEL', 'https://example.com/\u007f', 21, '007F'],
  ])('%s: %s', async (_what, url, position, code) => {
    const { status, body } = await get(`/apps/${route}?url=${encoded(url)}`, JSAPI_MOMENT);
    expect({ status, body }).toEqual({
      status: 400,
      body: {
        error: 'invalid-parameter',
        message: expect.stringMatching(
          new RegExp(
            `^Character ${position} of 'url' is U\\+${code}, so it was decoded: WeChat signs .*percent-encoded\\.`,
          ),
        ),
      },
    });
  });

  test.each([
    ['an address that was not encoded for the query', 'https://example.com/%E4%BD%A0', 'U+4F60'],
    ['one that was cut in the middle of a character', 'https://example.com/%E4%BD', 'U+FFFD'],
    ['a plus sign that was not encoded', 'https://example.com/?q=a+b', 'U+0020'],
  ])('%s', async (_what, query, code) => {
    const { status, body } = await get(`/apps/${route}?url=${query}`, JSAPI_MOMENT);
    expect(status).toBe(400);
    expect(body.message).toContain(code);
    expect(body.message).toContain("encodeURIComponent(location.href.split('#')[0])");
  });

  test.each([
    ['no address', ''],
    ['an empty one', 'url='],
    ['a fragment alone', 'url=%23top'],
    ['a path', 'url=%2Fpage'],
    ['another scheme', 'url=ftp%3A%2F%2Fexample.com%2F'],
    ['a host that is none', 'url=https%3A%2F%2F%3A80'],
  ])('%s', async (_what, query) => {
    expect(await get(`/apps/${route}?${query}`, JSAPI_MOMENT)).toMatchObject({
      status: 400,
      body: { error: 'invalid-parameter', message: expect.stringContaining("'url' is") },
    });
  });

  test('the rest of an address that was not encoded, as parameters of its own', async () => {
    const { status, body } = await get(`/apps/${route}?url=https://example.com/?a=1&b=2`, JSAPI_MOMENT);
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'unknown-parameter' });
  });
});

describe('wx.addCard, card-signature', () => {
  test("signs WeChat's vector, and is what cardExt wants", async () => {
    expect(await get(`/apps/shop/card-signature?card_id=${CARD_ID}&code=1434008071`, CARD_MOMENT)).toEqual({
      status: 200,
      cache: 'no-store',
      body: {
        code: '1434008071',
        timestamp: '1404896688',
        nonce_str: '123',
        signature: 'f137ab68b7f8112d20ee528ab6074564e2796250',
      },
    });
  });

  test.each([
    // Values are sorted by bytes: digits, then capitals, then small letters.
    ['with an openid', '&openid=oABC-1', { openid: 'oABC-1' }, 'd4a9ef3a5772c91f707ddc3b26acb0325dba6d4f'],
    ['with neither', '', {}, '11056a0835078caa4d82a948a416875f66af4283'],
    [
      'with empty ones, which count as none',
      '&code=&openid=',
      {},
      '11056a0835078caa4d82a948a416875f66af4283',
    ],
  ])('%s', async (_what, query, fields, signature) => {
    const { body } = await get(`/apps/shop/card-signature?card_id=${CARD_ID}${query}`, CARD_MOMENT);
    expect(body).toEqual({ ...fields, timestamp: '1404896688', nonce_str: '123', signature });
  });

  test.each([
    ['', 'invalid-parameter'],
    ['?card_id=', 'invalid-parameter'],
    [`?card_id=${CARD_ID}&card_id=${CARD_ID}`, 'repeated-parameter'],
    [`?card_id=${CARD_ID}&api_ticket=x`, 'unknown-parameter'],
  ])('refuses %j', async (query, error) => {
    expect(await get(`/apps/shop/card-signature${query}`, CARD_MOMENT)).toMatchObject({
      status: 400,
      body: { error },
    });
  });
});

describe('scan login of the mobile SDK, sdk-signature', () => {
  test("signs WeChat's vector", () => {
    const [nonceStr, timestamp] = ['noncestr', 1_417_508_194];
    expect(sdkSignature({ appId: 'appid', nonceStr, ticket: SDK_TICKET, timestamp })).toBe(
      '429eaaa13fd71efbc3fd344d0a9a9126835e7303',
    );
  });

  test("signs with the app's own AppID", async () => {
    expect(await get('/apps/phone/sdk-signature', SDK_MOMENT)).toEqual({
      status: 200,
      cache: 'no-store',
      body: {
        appId: 'wx3',
        nonceStr: 'noncestr',
        timestamp: 1_417_508_194,
        signature: '3a1d5313c8653cd66dd553219dac03e4a2035e66',
      },
    });
  });

  test('takes no parameters', async () => {
    expect(await get('/apps/phone/sdk-signature?url=https%3A%2F%2Fa.b', SDK_MOMENT)).toMatchObject({
      status: 400,
      body: { error: 'unknown-parameter' },
    });
  });
});

test.each([
  ['mini', 'jsapi-signature?url=https%3A%2F%2Fa.b', 'jsapi-ticket'],
  ['shop', 'agent-config-signature?url=https%3A%2F%2Fa.b', 'agent-config-ticket'],
  ['contacts', 'agent-config-signature?url=https%3A%2F%2Fa.b', 'agent-config-ticket'],
  ['contacts', 'jsapi-signature?url=https%3A%2F%2Fa.b', 'jsapi-ticket'],
  ['mini', `card-signature?card_id=${CARD_ID}`, 'wx-card-ticket'],
  ['crm', 'sdk-signature', 'sdk-ticket'],
  ['shop', 'sdk-signature', 'sdk-ticket'],
])('an app without the ticket signs nothing: %s/%s', async (app, route, ticket) => {
  expect(await get(`/apps/${app}/${route}`, JSAPI_MOMENT)).toMatchObject({
    status: 404,
    body: { error: 'unknown-credential', message: expect.stringContaining(`App '${app}' has no ${ticket}`) },
  });
});

test('an unknown route names every credential and signature', async () => {
  const { status, body } = await get('/apps/shop/wx-config-signature', JSAPI_MOMENT);
  expect(status).toBe(404);
  for (const name of [
    'access-token',
    'jsapi-ticket',
    'wx-card-ticket',
    'agent-config-ticket',
    'sdk-ticket',
    'jsapi-signature',
    'agent-config-signature',
    'card-signature',
    'sdk-signature',
  ]) {
    expect(body.message).toContain(`/apps/<app>/${name}`);
  }
});
