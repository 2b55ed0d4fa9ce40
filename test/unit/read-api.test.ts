import { describe, expect, test } from 'vitest';
import { blankRecord, type CredentialRecord } from '../../functions/core/credential.ts';
import { allowAnonymous } from '../../functions/http/authenticator.ts';
import { readApi } from '../../functions/http/read-api.ts';
import { jsapiSignature } from '../../functions/http/signature-route.ts';
import { mini, shop } from '../support/apps.ts';

// 2026-01-01 00:00:00 UTC.
const T0 = 1_767_225_600_000;
const TOKEN = 'the-token-value';
const TICKET = 'sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg';

function recordOf(id: string, value: string, fingerprint = 'a'.repeat(64)): CredentialRecord {
  return {
    ...blankRecord(id),
    version: 1,
    mirroredVersion: 1,
    current: {
      value,
      fingerprint,
      account: 'wx1',
      issuedAt: T0,
      expiresAt: T0 + 7_200_000,
      renewedAt: T0,
      confirmedAt: T0,
    },
  };
}

/** The read API over a table in memory, which counts its reads. */
function setUp(cacheSeconds = 10) {
  const records = new Map([
    ['shop/access-token', recordOf('shop/access-token', TOKEN)],
    ['shop/jsapi-ticket', recordOf('shop/jsapi-ticket', TICKET)],
  ]);
  const state = { now: T0, reads: 0, readMs: 0, down: false, onSleep: () => {} };
  const api = readApi({
    apps: [shop, mini],
    authenticator: allowAnonymous,
    refreshAfterMs: 6_000_000,
    cacheSeconds,
    store: {
      async read(ids) {
        state.reads += 1;
        state.now += state.readMs;
        if (state.down) throw new Error(`no table; ${TOKEN}`);
        return new Map([...records].filter(([id]) => ids.includes(id)));
      },
    },
    clock: {
      now: () => state.now,
      async sleepUntil(instantMs) {
        state.now = instantMs;
        state.onSleep();
      },
    },
    nonce: () => 'Wm3WZYTPz0wzccnW',
  });
  const get = (target: string, headers: Record<string, string> = {}, method = 'GET') => {
    const [path = '', query = ''] = target.split('?');
    return api({ method, path, query: new URLSearchParams(query), headers, body: '' });
  };
  return { records, state, get };
}

describe('GET /apps/<app>/access-token', () => {
  test('returns the value, the seconds left and the instant of its end', async () => {
    const { get, state } = setUp();
    state.now = T0 + 1_500;
    expect(await get('/apps/shop/access-token')).toEqual({
      status: 200,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'private, max-age=10',
        'x-content-type-options': 'nosniff',
        etag: `W/"${'a'.repeat(32)}-1767232800000"`,
      },
      body: '{"access_token":"the-token-value","expires_in":7198,"expires_at":"2026-01-01T02:00:00.000Z"}',
    });
  });

  test('serves from memory for cacheSeconds, and lets clients cache it for the rest of that time', async () => {
    const { get, state } = setUp();
    await get('/apps/shop/access-token');
    state.now = T0 + 4_000;
    expect((await get('/apps/shop/access-token')).headers['cache-control']).toBe('private, max-age=6');
    expect(state.reads).toBe(1);
    state.now = T0 + 10_000;
    await get('/apps/shop/access-token');
    expect(state.reads).toBe(2);
  });

  test('never serves an expired value, not even from memory', async () => {
    const { get, state } = setUp();
    state.now = T0 + 7_199_000;
    expect(await get('/apps/shop/access-token')).toMatchObject({
      status: 200,
      headers: { 'cache-control': 'private, max-age=1' },
    });
    state.now = T0 + 7_200_000;
    const response = await get('/apps/shop/access-token');
    expect(response).toMatchObject({
      status: 503,
      headers: { 'retry-after': '5', 'cache-control': 'no-store' },
    });
    expect(response.body).not.toContain(TOKEN);
  });

  describe('in the seconds after the end of a value', () => {
    const END = T0 + 7_200_000;
    function putSuccessor({ records }: ReturnType<typeof setUp>, id: string) {
      const record = recordOf(id, 'the-successor', 'b'.repeat(64));
      records.set(id, {
        ...record,
        ...(record.current && { current: { ...record.current, issuedAt: END, expiresAt: END + 7_200_000 } }),
      });
    }

    test.each([
      ['/apps/shop/access-token', 'shop/access-token'],
      ['/apps/shop/jsapi-ticket', 'shop/jsapi-ticket'],
      ['/apps/shop/jsapi-signature?url=https%3A%2F%2Fexample.com', 'shop/jsapi-ticket'],
      ['/cgi-bin/token?grant_type=client_credential&appid=wx1', 'shop/access-token'],
    ])('%s waits for the successor', async (target, id) => {
      const setup = setUp();
      const { get, state } = setup;
      state.now = END + 100;
      state.onSleep = () => {
        if (state.now >= END + 1_200) putSuccessor(setup, id);
      };
      const { status, body } = await get(target);
      expect({ status, refused: body.includes('errcode') }).toEqual({ status: 200, refused: false });
      expect(state.now).toBe(END + 1_350);
    });

    test('no caller waits for longer than three seconds', async () => {
      const { get, state } = setUp();
      state.now = END;
      expect((await get('/apps/shop/access-token')).status).toBe(503);
      expect(state.now).toBe(END + 3_000);
      expect((await get('/apps/shop/access-token')).status).toBe(503);
      expect(state.now).toBe(END + 3_000);
    });

    test('no caller waits for ever when the clock stands still', async () => {
      const { get, state } = setUp();
      state.now = END;
      state.onSleep = () => {
        state.now = END;
      };
      expect((await get('/apps/shop/access-token')).status).toBe(503);
      expect(state.reads).toBe(13);
    });

    test('no caller waits for a value of another account', async () => {
      const { get, state, records } = setUp();
      state.now = END;
      const record = recordOf('shop/access-token', TOKEN);
      records.set(record.id, {
        ...record,
        ...(record.current && { current: { ...record.current, account: 'wx9' } }),
      });
      expect((await get('/apps/shop/access-token')).status).toBe(503);
      expect(state.now).toBe(END);
    });
  });

  test('serves a new value at once when there was none before', async () => {
    const { get, records } = setUp();
    records.delete('shop/access-token');
    expect((await get('/apps/shop/access-token')).status).toBe(503);
    records.set('shop/access-token', recordOf('shop/access-token', TOKEN));
    expect((await get('/apps/shop/access-token')).status).toBe(200);
  });

  test('rounds times down', async () => {
    const { get, state } = setUp();
    await get('/apps/shop/access-token');
    state.now = T0 + 4_001;
    const { headers, body } = await get('/apps/shop/access-token');
    expect(headers['cache-control']).toBe('private, max-age=5');
    expect(JSON.parse(body).expires_in).toBe(7195);
  });

  test('does not serve a value that expires while a slow table answers', async () => {
    const { get, state } = setUp();
    state.now = T0 + 7_199_000;
    state.readMs = 2_000;
    expect((await get('/apps/shop/access-token')).status).toBe(503);
  });

  test('answers 304 to a caller that has the current value', async () => {
    const { get, records } = setUp(0);
    const etag = (await get('/apps/shop/access-token')).headers['etag'] ?? '';
    for (const header of [etag, etag.replace('W/', ''), `"x", ${etag}`, '*']) {
      expect(await get('/apps/shop/access-token', { 'if-none-match': header })).toMatchObject({
        status: 304,
        body: '',
      });
    }
    records.set('shop/access-token', recordOf('shop/access-token', 'next', 'b'.repeat(64)));
    expect(await get('/apps/shop/access-token', { 'if-none-match': etag })).toMatchObject({ status: 200 });
  });

  test('with ?rejected= reads the table again if memory holds the rejected token, and not otherwise', async () => {
    const { get, state, records } = setUp();
    await get('/apps/shop/access-token');
    await get(`/apps/shop/access-token?rejected=${'b'.repeat(64)}`);
    expect(state.reads).toBe(1);
    records.set('shop/access-token', recordOf('shop/access-token', 'next', 'c'.repeat(64)));
    const { body } = await get(`/apps/shop/access-token?rejected=${'a'.repeat(64)}`);
    expect(JSON.parse(body).access_token).toBe('next');
    expect(state.reads).toBe(2);
  });

  test('says why there is no value', async () => {
    const { get, records } = setUp();
    records.set('shop/access-token', {
      ...blankRecord('shop/access-token'),
      failure: {
        count: 1,
        kind: 'configuration',
        code: '40164',
        message: 'Allow 1.2.3.4.',
        at: T0,
        attemptFingerprint: '',
      },
    });
    expect(JSON.parse((await get('/apps/shop/access-token')).body)).toEqual({
      error: 'no-live-value',
      message: "App 'shop' has no live access-token at the moment. Last error: Allow 1.2.3.4.",
    });
  });

  test('answers 503 while the table is down, without the error of the table', async () => {
    const { get, state } = setUp();
    state.down = true;
    const response = await get('/apps/shop/access-token');
    expect(response).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(response.body).not.toContain(TOKEN);
  });
});

describe('GET /apps/<app>/jsapi-signature', () => {
  test.each([
    ['http://mp.weixin.qq.com?params=value', '0f9de62fce790f9a083d5c99e95740ceb90c27ed'],
    ['http://mp.weixin.qq.com', 'f4d90daf4b3bca3078ab155816175ba34c443a7b'],
    // By openssl: printf 'jsapi_ticket=…&noncestr=…&timestamp=1414587457&url=http://mp.weixin.qq.com/' | openssl sha1
    ['http://mp.weixin.qq.com/', 'a1a0141122148a10c58bbd00ef52231dc4dda87a'],
  ])('signs the vector of docs/wechat.md for %s', async (url, signature) => {
    expect(
      jsapiSignature({ ticket: TICKET, nonceStr: 'Wm3WZYTPz0wzccnW', timestamp: 1_414_587_457, url }),
    ).toBe(signature);
    const { get, state, records } = setUp();
    state.now = 1_414_587_457_999;
    records.set('shop/jsapi-ticket', recordOf('shop/jsapi-ticket', TICKET));
    const { status, headers, body } = await get(
      `/apps/shop/jsapi-signature?url=${encodeURIComponent(`${url}#top`)}`,
    );
    expect({ status, cache: headers['cache-control'], body: JSON.parse(body) }).toEqual({
      status: 200,
      cache: 'no-store',
      body: { appId: 'wx1', timestamp: 1_414_587_457, nonceStr: 'Wm3WZYTPz0wzccnW', signature },
    });
  });
});

describe('GET /health', () => {
  test('shows states and seconds, and no values', async () => {
    const { get, records, state } = setUp();
    records.set('mini/access-token', {
      ...blankRecord('mini/access-token'),
      failure: { count: 2, kind: 'transient', code: '-1', message: 'busy', at: T0, attemptFingerprint: '' },
    });
    state.now = T0 + 60_000;
    const { status, body } = await get('/health');
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({
      status: 'degraded',
      credentials: [
        { app: 'shop', credential: 'access-token', state: 'live', expires_in: 7140, version: 1 },
        { app: 'shop', credential: 'jsapi-ticket', state: 'live', expires_in: 7140, version: 1 },
        {
          app: 'mini',
          credential: 'access-token',
          state: 'missing',
          expires_in: 0,
          version: 0,
          last_error: { code: '-1', message: 'busy', at: '2026-01-01T00:00:00.000Z' },
        },
      ],
    });
    expect(body).not.toMatch(new RegExp(`${TOKEN}|${TICKET}`));
  });
});

describe('GET /health of a credential that is', () => {
  test.each([
    ['failing', T0 + 60_000, 7140],
    ['expired', T0 + 7_200_000, 0],
  ])('%s', async (state, now, expiresIn) => {
    const { get, records, state: env } = setUp();
    records.set('shop/access-token', {
      ...recordOf('shop/access-token', TOKEN),
      failure: { count: 1, kind: 'transient', code: '-1', message: 'busy', at: T0, attemptFingerprint: '' },
    });
    env.now = now;
    expect(JSON.parse((await get('/health')).body).credentials[0]).toMatchObject({
      state,
      expires_in: expiresIn,
    });
  });
});

describe('a wrong request is refused with a code and a message', () => {
  test.each([
    ['GET', '/', 404, 'unknown-route'],
    ['GET', '/apps', 404, 'unknown-route'],
    ['GET', '/apps/shop', 404, 'unknown-route'],
    ['GET', '/apps/shop/access-token/', 404, 'unknown-route'],
    ['GET', '/apps/shop/app-secret', 404, 'unknown-route'],
    ['GET', '//apps/shop/access-token', 404, 'unknown-route'],
    ['GET', '/health/x', 404, 'unknown-route'],
    ['GET', '/apps/nope/access-token', 404, 'unknown-app'],
    ['GET', '/apps/SHOP/access-token', 404, 'unknown-app'],
    ['GET', '/apps/__proto__/access-token', 404, 'unknown-app'],
    ['GET', '/apps/mini/jsapi-ticket', 404, 'unknown-credential'],
    ['GET', '/apps/mini/jsapi-signature?url=https%3A%2F%2Fa.b', 404, 'unknown-credential'],
    ['GET', '/apps/mini/access-token', 503, 'no-live-value'],
    ['POST', '/apps/shop/access-token', 405, 'method-not-allowed'],
    ['DELETE', '/health', 405, 'method-not-allowed'],
    ['GET', '/apps/shop/access-token?force=1', 400, 'unknown-parameter'],
    ['GET', '/health?app=shop', 400, 'unknown-parameter'],
    ['GET', '/apps/shop/access-token?rejected=abc', 400, 'invalid-parameter'],
    [
      'GET',
      `/apps/shop/access-token?rejected=${'a'.repeat(64)}&rejected=${'a'.repeat(64)}`,
      400,
      'repeated-parameter',
    ],
    ['GET', '/apps/shop/jsapi-signature', 400, 'invalid-parameter'],
    ['GET', '/apps/shop/jsapi-signature?url=', 400, 'invalid-parameter'],
    ['GET', '/apps/shop/jsapi-signature?url=javascript%3Aalert(1)', 400, 'invalid-parameter'],
    ['GET', '/apps/shop/jsapi-signature?url=%2Fpage', 400, 'invalid-parameter'],
  ])('%s %s: %i %s', async (method, target, status, code) => {
    const response = await setUp().get(target, {}, method);
    expect(response.status).toBe(status);
    const body = JSON.parse(response.body);
    expect(body.error).toBe(code);
    expect(body.message).toMatch(/\.|…/);
    if (status === 405) expect(response.headers['allow']).toBe('GET');
  });
});
