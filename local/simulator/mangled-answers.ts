import { gzipSync } from 'node:zlib';

/** An answer on its way back: header names in lower case. */
export type PlainAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

/** The object that WeChat answered with, as JSON. */
type WechatJson = Readonly<Record<string, unknown>>;
/** What is told is changed; status 200 and WeChat's content type otherwise. */
type Mangle = (json: WechatJson) => Partial<PlainAnswer> & Pick<PlainAnswer, 'body'>;

const jsonBody = (value: unknown) => ({ body: Buffer.from(JSON.stringify(value)) });
const html = (text: string) => ({
  headers: { 'content-type': 'text/html' },
  body: Buffer.from(`<html><body>${text}</body></html>`),
});
const without = (json: WechatJson, field: string) =>
  Object.fromEntries(Object.entries(json).filter(([name]) => name !== field));
/** More fields than expected are WeChat's right, and make the answer exactly so long. */
function paddedTo(json: WechatJson, bytes: number): Buffer {
  const padding = bytes - JSON.stringify({ ...json, padding: '' }).length;
  return Buffer.from(JSON.stringify({ ...json, padding: ' '.repeat(padding) }));
}

/** Still WeChat's JSON, with all that was asked for: whatever it says counts (docs/wechat.md#transport). */
const readable = {
  /** To be combined with another `status`. */
  unchanged: jsonBody,
  'numbers-as-strings': (json) => ({
    body: Buffer.from(
      JSON.stringify(json, (_, value) => (typeof value === 'number' ? String(value) : value)),
    ),
  }),
  'errmsg-null': (json) => jsonBody({ ...json, errmsg: null }),
  'errmsg-number': (json) => jsonBody({ ...json, errmsg: 0 }),
  'errmsg-object': (json) => jsonBody({ ...json, errmsg: { zh: '系统繁忙' } }),
  'errmsg-missing': (json) => jsonBody(without(json, 'errmsg')),
  'expires-in-missing': (json) => jsonBody(without(json, 'expires_in')),
  'expires-in-null': (json) => jsonBody('expires_in' in json ? { ...json, expires_in: null } : json),
  /** Each field twice, with the same value. */
  'duplicate-keys': (json) => {
    const fields = JSON.stringify(json).slice(1, -1);
    return { body: Buffer.from(`{${fields},${fields}}`) };
  },
  'blanks-around': (json) => ({ body: Buffer.from(`\r\n\t ${JSON.stringify(json, null, 2)}\r\n\r\n`) }),
  'byte-order-mark': (json) => ({ body: Buffer.from(`\uFEFF${JSON.stringify(json)}`) }),
  gzip: (json) => ({ headers: { 'content-encoding': 'gzip' }, body: gzipSync(JSON.stringify(json)) }),
  'padded-to-64-kib': (json) => ({ body: paddedTo(json, 65_536) }),
  /** Not a mangled answer but a longer token or ticket, if one is issued. */
  'value-of-513': jsonBody,
  'value-of-4096': jsonBody,
} satisfies Record<string, Mangle>;

/** No longer WeChat's JSON, or more of it than one wants to read: it says nothing about WeChat. */
const unreadable = {
  html: () => html('欢迎使用无线网络'),
  empty: () => ({ headers: { 'content-type': 'text/html' }, body: Buffer.alloc(0) }),
  redirect: () => ({
    status: 302,
    headers: { 'content-type': 'text/html', location: 'https://login.example.com/' },
    body: Buffer.alloc(0),
  }),
  truncated: (json) => {
    const text = JSON.stringify(json);
    return { body: Buffer.from(text.slice(0, text.length / 2)) };
  },
  'truncated-gzip': (json) => {
    const body = gzipSync(JSON.stringify(json));
    return { headers: { 'content-encoding': 'gzip' }, body: body.subarray(0, body.length / 2) };
  },
  'json-array': (json) => jsonBody([json]),
  'json-string': (json) => jsonBody(JSON.stringify(json)),
  'json-null': () => jsonBody(null),
  'json-number': () => jsonBody(0),
  'padded-to-8-mib': (json) => ({ body: paddedTo(json, 8 * 1_048_576) }),
} satisfies Record<string, Mangle>;

const forms: Readonly<Record<MangledForm, Mangle>> = { ...readable, ...unreadable };
export type MangledForm = keyof typeof readable | keyof typeof unreadable;
/** Forms of which all that was asked for can still be read. */
export const readableForms = Object.keys(readable) as (keyof typeof readable)[];
/** Forms in which nothing can be read. */
export const unreadableForms = Object.keys(unreadable) as (keyof typeof unreadable)[];

/** The answer as it arrives. */
export function mangle(form: MangledForm, json: WechatJson, contentType: string): PlainAnswer {
  const { status = 200, headers, body } = forms[form](json);
  return { status, headers: { 'content-type': contentType, ...headers }, body };
}

/** How long, in characters, a value must be that is issued to a call whose answer takes this form. */
export function valueLengthOf(form: MangledForm): number | undefined {
  const lengths: Partial<Record<MangledForm, number>> = { 'value-of-513': 513, 'value-of-4096': 4_096 };
  return lengths[form];
}
