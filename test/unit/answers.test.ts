import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  type AnswerReader,
  countAnswer,
  decodeBody,
  doneAnswer,
  probeAnswer,
  RetryableError,
  readAnswer,
  refusedRequestAnswer,
  ticketAnswer,
  tokenAnswer,
} from '../../functions/wechat/answers.ts';

/** What an answer comes to, in one word: a value, a refusal's code, or what the client does next. */
async function outcomeOf(
  reader: AnswerReader<unknown>,
  body: string | Buffer,
  { status = 200, encoding = '' } = {},
): Promise<unknown> {
  const decoded = await decodeBody(Buffer.from(body), encoding);
  try {
    const outcome = readAnswer({ host: 'api.weixin.qq.com', status, ...decoded }, reader);
    if ('granted' in outcome) return outcome.granted;
    if ('unusable' in outcome) return 'final';
    return outcome.errorResponse;
  } catch (error) {
    if (!(error instanceof RetryableError)) throw error;
    expect(error.message).toContain('api.weixin.qq.com');
    return `${error.tryNextHost ? 'next host' : 'same host'}: ${error.code}`;
  }
}

const token = (expiresInSeconds = 7_200, value = 'T') => ({ value, expiresInSeconds });
const refusal = (errcode: number, errmsg = '') => ({ errcode, errmsg });
const OK = '{"access_token":"T","expires_in":7200}';

describe('a token is read from', () => {
  test.each<[string, string | Buffer, { status?: number; encoding?: string }, unknown]>([
    ['a plain answer', OK, {}, token()],
    ['one with errcode 0', '{"errcode":0,"errmsg":"ok","access_token":"T","expires_in":7200}', {}, token()],
    ['errcode 0 as a string', '{"errcode":"0","access_token":"T","expires_in":7200}', {}, token()],
    ['errcode null', '{"errcode":null,"errmsg":null,"access_token":"T","expires_in":7200}', {}, token()],
    ['errcode that is no number', '{"errcode":"ok","access_token":"T","expires_in":7200}', {}, token()],
    ['F5: a lifetime as a string', '{"access_token":"T","expires_in":"7200"}', {}, token()],
    ['another lifetime', '{"access_token":"T","expires_in":300}', {}, token(300)],
    ['a lifetime of 0', '{"access_token":"T","expires_in":0}', {}, token(0)],
    ['a lifetime with a fraction', '{"access_token":"T","expires_in":299.9}', {}, token(299)],
    ['no lifetime', '{"access_token":"T"}', {}, token()],
    ['a lifetime that is null', '{"access_token":"T","expires_in":null}', {}, token()],
    ['a lifetime that is empty', '{"access_token":"T","expires_in":""}', {}, token()],
    ['a lifetime in words', '{"access_token":"T","expires_in":"two hours"}', {}, token()],
    ['a negative lifetime', '{"access_token":"T","expires_in":-1}', {}, token()],
    ['a lifetime beyond all numbers', '{"access_token":"T","expires_in":1e400}', {}, token()],
    ['a lifetime of a thousand years', '{"access_token":"T","expires_in":31536000000}', {}, token()],
    [
      'F5: 513 characters',
      JSON.stringify({ access_token: 'x'.repeat(513) }),
      {},
      token(7_200, 'x'.repeat(513)),
    ],
    ['4 KB', JSON.stringify({ access_token: 'x'.repeat(4_096) }), {}, token(7_200, 'x'.repeat(4_096))],
    ['line breaks around it', '{"access_token":"\\nT\\r\\n"}', {}, token()],
    ['a byte order mark', `\uFEFF${OK}`, {}, token()],
    ['white space', `\r\n\t ${OK}\n\n`, {}, token()],
    ['a key that stands twice: the last one counts', `{"access_token":null,${OK.slice(1)}`, {}, token()],
    ['keys of all kinds beside it', `{"__proto__":{"errcode":1},"toString":1,${OK.slice(1)}`, {}, token()],
    ['gzip', gzipSync(OK), { encoding: 'gzip' }, token()],
    ['gzip by its old name', gzipSync(OK), { encoding: 'x-GZIP' }, token()],
    ['gzip without a header', gzipSync(OK), {}, token()],
    ['gzip whose trailer is lost', gzipSync(OK).subarray(0, -8), { encoding: 'gzip' }, token()],
    ['a header without gzip', OK, { encoding: 'gzip' }, token()],
    ['deflate', deflateSync(OK), { encoding: 'deflate' }, token()],
    ['raw deflate', deflateRawSync(OK), { encoding: 'deflate' }, token()],
    ['brotli', brotliCompressSync(OK), { encoding: 'br' }, token()],
    ['a header without brotli', OK, { encoding: 'br' }, token()],
    ['gzip in brotli', brotliCompressSync(gzipSync(OK)), { encoding: 'gzip, br' }, token()],
    ['another status', OK, { status: 500 }, token()],
  ])('%s', async (_name, body, how, expected) => {
    expect(await outcomeOf(tokenAnswer, body, how)).toEqual(expected);
  });
});

describe("WeChat's refusal is read from", () => {
  test.each<[string, string | Buffer, { status?: number; encoding?: string }, unknown]>([
    ['a plain answer', '{"errcode":40013,"errmsg":"invalid appid"}', {}, refusal(40013, 'invalid appid')],
    ['F10: an errcode as a string', '{"errcode":"40164"}', {}, refusal(40164)],
    ['an errcode with blanks', '{"errcode":" 40164 "}', {}, refusal(40164)],
    ['a negative one', '{"errcode":-1000}', {}, refusal(-1000)],
    ['an errmsg that is null', '{"errcode":40013,"errmsg":null}', {}, refusal(40013)],
    ['an errmsg that is a number', '{"errcode":40013,"errmsg":7}', {}, refusal(40013, '7')],
    ['an errmsg that is an object', '{"errcode":40013,"errmsg":{"a":1}}', {}, refusal(40013, '{"a":1}')],
    ['HTTP 400', '{"errcode":40013}', { status: 400 }, refusal(40013)],
    ['HTTP 502', '{"errcode":"40013"}', { status: 502 }, refusal(40013)],
    ['a redirect', '{"errcode":40013}', { status: 302 }, refusal(40013)],
    ['gzip', gzipSync('{"errcode":40013}'), { encoding: 'gzip' }, refusal(40013)],
    ['an errcode that stands twice', '{"errcode":0,"errcode":40013}', {}, refusal(40013)],
    ['an answer that has a token, too', '{"errcode":40013,"access_token":"T"}', {}, refusal(40013)],
    [
      'errmsg in another encoding',
      Buffer.from('{"errcode":40013,"errmsg":"\xb2\xbb"}', 'latin1'),
      {},
      refusal(40013, '\uFFFD\uFFFD'),
    ],
  ])('%s', async (_name, body, how, expected) => {
    expect(await outcomeOf(tokenAnswer, body, how)).toEqual(expected);
  });
});

describe('an answer that asking again cannot make better is', () => {
  test.each<[string, string | Buffer, number]>([
    ['no token', '{"expires_in":7200}', 200],
    ['an empty object', '{}', 200],
    ['a token of more than 4 KB', JSON.stringify({ access_token: 'x'.repeat(4_097) }), 200],
    ['4 KB in characters, more in bytes', JSON.stringify({ access_token: '号'.repeat(2_000) }), 200],
    ['an empty token', '{"access_token":""}', 200],
    ['a blank one', '{"access_token":"  "}', 200],
    ['a number', '{"access_token":12345678}', 200],
    ['a list', '{"access_token":["T"]}', 200],
    ['one with a blank in it', '{"access_token":"T T"}', 200],
    ['one with a NUL in it', '{"access_token":"T\\u0000T"}', 200],
    ['errcode 0 without a token', '{"errcode":0,"errmsg":"ok"}', 200],
    ['the same under 500', '{"errcode":0}', 500],
    ['an errcode that is no number', '{"errcode":true}', 200],
    ['JSON of more than 64 KB', JSON.stringify({ access_token: 'x'.repeat(70_000) }), 200],
    ['the same, compressed', gzipSync(JSON.stringify({ access_token: 'x'.repeat(1_000_000) })), 200],
  ])('%s', async (_name, body, status) => {
    expect(await outcomeOf(tokenAnswer, body, { status })).toBe('final');
  });
});

describe("what is not WeChat's sends the call to the next host:", () => {
  test.each<[string, string | Buffer, number]>([
    ['empty-body', '', 200],
    ['empty-body', '\uFEFF \n', 200],
    ['not-json', '<html>', 200],
    ['not-json', OK.slice(0, -1), 200],
    ['not-json', `[${OK}]`, 200],
    ['not-json', '"ok"', 200],
    ['not-json', 'null', 200],
    ['not-json', '0', 200],
    ['not-json', `callback(${OK})`, 200],
    ['not-json', `<html>${'x'.repeat(70_000)}`, 200],
    ['not-json', Buffer.from(OK, 'utf16le'), 200],
    ['not-json', gzipSync(OK).subarray(0, 20), 200],
    ['http-302', '', 302],
    ['http-404', '{"message":"no such route"}', 404],
    ['http-412', '<html>', 412],
    ['http-503', JSON.stringify({ access_token: 'x'.repeat(70_000) }), 503],
  ])('%s: %s', async (code, body, status) => {
    expect(await outcomeOf(tokenAnswer, body, { status })).toBe(`next host: ${code}`);
  });

  test.each(['{"errcode":-1}', '{"errcode":"-1","errmsg":"system error"}'])(
    '%s is WeChat, busy',
    async (body) => {
      expect(await outcomeOf(tokenAnswer, body, { status: 503 })).toBe('same host: -1');
    },
  );
});

test.each<[string, AnswerReader<unknown>, object, unknown]>([
  ['a ticket', ticketAnswer, { errcode: 0, ticket: 'T', expires_in: '7200' }, token()],
  ['a probe', probeAnswer, { ip_list: [] }, true],
  ['F10: a probe that is refused', probeAnswer, { errcode: '40001', ip_list: [] }, refusal(40001)],
  ['a probe without its list proves nothing', probeAnswer, { errcode: 0 }, 'final'],
  ['a probe with an errcode that is no number', probeAnswer, { errcode: 'invalid', ip_list: [] }, 'final'],
  ['a count with one', countAnswer, { errcode: true, quota: { daily_limit: 1, used: 1 } }, 'final'],
  [
    'a count',
    countAnswer,
    { errcode: 0, quota: { daily_limit: 2_000, used: 7, remain: 1_993 } },
    { used: 7, limit: 2_000 },
  ],
  [
    'a count in strings',
    countAnswer,
    { quota: { daily_limit: '2000', used: '7' } },
    { used: 7, limit: 2_000 },
  ],
  ['a count without numbers', countAnswer, { errcode: 0, quota: { daily_limit: 2_000 } }, 'final'],
  ['a count that is negative', countAnswer, { errcode: 0, quota: { daily_limit: 2_000, used: -1 } }, 'final'],
  ['no count', countAnswer, { errcode: 0 }, 'final'],
  [
    'a request that WeChat remembers',
    refusedRequestAnswer,
    {
      errcode: 0,
      request: {
        invoke_time: 1_635_156_704,
        cost_in_ms: '30',
        request_url: 'appid=wx1&secret=0123456789abcdef0123456789abcdef',
        client_ip: '203.0.113.7',
      },
    },
    { clientIp: '203.0.113.7', at: 1_635_156_704_000, costMs: 30 },
  ],
  [
    'the same with an address alone',
    refusedRequestAnswer,
    { request: { client_ip: '2001:db8::7' } },
    { clientIp: '2001:db8::7', at: null, costMs: null },
  ],
  [
    'an address that is none',
    refusedRequestAnswer,
    { errcode: 0, request: { client_ip: '0123456789abcdef' } },
    'final',
  ],
  ['a call that is done', doneAnswer, { errcode: '0', errmsg: 'ok' }, true],
  ['one that does not say so', doneAnswer, {}, 'final'],
])('%s', async (_name, reader, answer, expected) => {
  expect(await outcomeOf(reader, JSON.stringify(answer))).toEqual(expected);
});
