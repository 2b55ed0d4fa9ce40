import { gunzipSync } from 'node:zlib';
import { request } from 'undici';
import { describe, expect, test } from 'vitest';
import {
  type MangledForm,
  mangle,
  readableForms,
  unreadableForms,
} from '../../../local/simulator/mangled-answers.ts';
import { DEMO_ACCOUNT, ManualClock, openSimulator } from '../../../local/simulator/simulator.ts';
import { MIDNIGHT, openSimulator as openOverHttp } from './harness.ts';

const { appId, secret } = DEMO_ACCOUNT;
const grant = { access_token: 'simclassic_value', expires_in: 7200 };
const refusal = { errcode: 40164, errmsg: 'invalid ip 203.0.113.7 rid: 1-2-3' };

const bytes = (form: MangledForm, json: object) => mangle(form, { ...json }, 'text/plain').body;
const text = (form: MangledForm, json: object) => bytes(form, json).toString();

describe('the bytes of each form', () => {
  test.each<[MangledForm, object, string]>([
    ['unchanged', grant, '{"access_token":"simclassic_value","expires_in":7200}'],
    ['numbers-as-strings', grant, '{"access_token":"simclassic_value","expires_in":"7200"}'],
    ['numbers-as-strings', refusal, '{"errcode":"40164","errmsg":"invalid ip 203.0.113.7 rid: 1-2-3"}'],
    ['numbers-as-strings', { quota: { used: 3 } }, '{"quota":{"used":"3"}}'],
    ['errmsg-null', refusal, '{"errcode":40164,"errmsg":null}'],
    ['errmsg-null', grant, '{"access_token":"simclassic_value","expires_in":7200,"errmsg":null}'],
    ['errmsg-number', refusal, '{"errcode":40164,"errmsg":0}'],
    ['errmsg-object', refusal, '{"errcode":40164,"errmsg":{"zh":"系统繁忙"}}'],
    ['errmsg-missing', refusal, '{"errcode":40164}'],
    ['expires-in-missing', grant, '{"access_token":"simclassic_value"}'],
    ['expires-in-null', grant, '{"access_token":"simclassic_value","expires_in":null}'],
    ['expires-in-null', refusal, '{"errcode":40164,"errmsg":"invalid ip 203.0.113.7 rid: 1-2-3"}'],
    ['duplicate-keys', { errcode: 0, ticket: 't' }, '{"errcode":0,"ticket":"t","errcode":0,"ticket":"t"}'],
    ['blanks-around', { errcode: 0 }, '\r\n\t {\n  "errcode": 0\n}\r\n\r\n'],
    ['byte-order-mark', { errcode: 0 }, '\uFEFF{"errcode":0}'],
    ['html', grant, '<html><body>欢迎使用无线网络</body></html>'],
    ['empty', grant, ''],
    ['redirect', grant, ''],
    ['truncated', { errcode: 40164 }, '{"errcod'],
    ['json-array', { errcode: 0 }, '[{"errcode":0}]'],
    ['json-string', { errcode: 0 }, '"{\\"errcode\\":0}"'],
    ['json-null', grant, 'null'],
    ['json-number', grant, '0'],
  ])('%s of %j', (form, json, expected) => {
    expect(text(form, json)).toBe(expected);
  });

  test('gzip says so, and can be unpacked unless it is cut off', () => {
    const whole = mangle('gzip', grant, 'text/plain');
    expect(whole.headers).toEqual({ 'content-type': 'text/plain', 'content-encoding': 'gzip' });
    expect(JSON.parse(gunzipSync(whole.body).toString())).toEqual(grant);
    const cut = mangle('truncated-gzip', grant, 'text/plain');
    expect(cut.headers['content-encoding']).toBe('gzip');
    expect(() => gunzipSync(cut.body)).toThrow('unexpected end of file');
  });

  test.each([
    ['padded-to-64-kib', 65_536],
    ['padded-to-8-mib', 8_388_608],
  ] as const)('%s has %d bytes, and all that was asked for', (form, length) => {
    expect(bytes(form, refusal)).toHaveLength(length);
    expect(JSON.parse(text(form, refusal))).toMatchObject(refusal);
  });

  test('a redirect leads away', () => {
    expect(mangle('redirect', grant, 'text/plain')).toMatchObject({
      status: 302,
      headers: { location: 'https://login.example.com/' },
    });
  });

  test.each(unreadableForms)('%s has no token for a reader of JSON objects up to 64 KiB', (form) => {
    const read = () => {
      const { body } = mangle(form, grant, 'text/plain');
      const json: unknown = body.length > 65_536 ? null : JSON.parse(body.toString());
      return Array.isArray(json) ? undefined : Object(json).access_token;
    };
    try {
      expect(read()).toBeUndefined();
    } catch (error) {
      expect(error).toBeInstanceOf(SyntaxError);
    }
  });
});

/** In this process, as most tests of answers use it. */
const open = () => {
  const { handler, operator } = openSimulator({ clock: new ManualClock(MIDNIGHT) });
  const call = (path: string, query: Record<string, string>) =>
    handler.handle({
      method: 'GET',
      path,
      host: 'api.weixin.qq.com',
      query: new URLSearchParams(query),
      json: undefined,
    });
  const classic = (overrides: object = {}) => {
    const response = call('/cgi-bin/token', {
      grant_type: 'client_credential',
      appid: appId,
      secret,
      ...overrides,
    });
    if (response === 'connection-lost') throw new Error('the connection was lost');
    return response;
  };
  return { operator, call, classic };
};

describe('a mangled answer', () => {
  test.each([...readableForms, ...unreadableForms])(
    '%s: the call is carried out, so that the token rotates',
    (form) => {
      const { operator, classic } = open();
      operator.rotate(appId);
      const before = operator.currentToken(appId, 'classic');
      operator.addFault({ kind: 'mangled', form, count: 1 });
      classic();
      expect(operator.currentToken(appId, 'classic')).not.toBe(before);
      expect(operator.calls()).toMatchObject([{ outcome: 'mangled', executed: true }]);
      expect(operator.calls()[0]).not.toHaveProperty('errcode');
    },
  );

  test('is mangled whether WeChat grants or refuses, and the log has WeChat’s own code', () => {
    const { operator, classic } = open();
    operator.addFault({ kind: 'mangled', form: 'numbers-as-strings' });
    expect(JSON.parse(classic().body.toString())).toEqual({
      access_token: operator.currentToken(appId, 'classic'),
      expires_in: '7200',
    });
    expect(JSON.parse(classic({ secret: 'wrong' }).body.toString())).toMatchObject({ errcode: '40001' });
    expect(operator.calls()[1]).toMatchObject({ outcome: 'mangled', executed: true, errcode: 40001 });
  });

  test.each([400, 403, 404, 412, 429, 500, 502])('under HTTP %d', (status) => {
    const { operator, classic } = open();
    operator.addFault({ kind: 'mangled', form: 'unchanged', status });
    const response = classic({ secret: 'wrong' });
    expect(response.status).toBe(status);
    expect(JSON.parse(response.body.toString())).toMatchObject({ errcode: 40001 });
    operator.clearFaults();
    operator.addFault({ kind: 'mangled', form: 'html', status });
    expect(classic()).toMatchObject({ status, headers: { 'content-type': 'text/html' } });
  });

  test.each([
    ['value-of-513', 513],
    ['value-of-4096', 4096],
  ] as const)('%s: the token is as long as that, and accepted', (form, length) => {
    const { operator, call, classic } = open();
    operator.addFault({ kind: 'mangled', form, count: 2 });
    const { access_token } = JSON.parse(classic().body.toString());
    expect(access_token).toMatch(/^simclassic_[\w-]+$/);
    expect(access_token).toHaveLength(length);
    expect(operator.isTokenValid(access_token)).toBe(true);
    const ticket = call('/cgi-bin/ticket/getticket', { access_token, type: 'jsapi' });
    if (ticket === 'connection-lost') throw new Error('the connection was lost');
    expect(JSON.parse(ticket.body.toString()).ticket).toHaveLength(length);
    expect(JSON.parse(classic().body.toString()).access_token).toHaveLength(139);
  });
});

test.each([...readableForms, ...unreadableForms])(
  '%s arrives over HTTP as it does in this process',
  async (form) => {
    const here = open();
    const there = await openOverHttp();
    for (const { addFault } of [here.operator, there.simulator]) {
      addFault({ kind: 'mangled', form, status: 418 });
    }
    const { status, headers, body } = here.classic();
    const query = new URLSearchParams({ grant_type: 'client_credential', appid: appId, secret });
    // `fetch` would unpack a gzip body.
    const answer = await request(`${there.simulator.url}/cgi-bin/token?${query}`);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers).toMatchObject(headers);
    expect(Buffer.from(await answer.body.arrayBuffer()).equals(body)).toBe(true);
  },
);
