import { isIP } from 'node:net';
import type { Transform } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  type ZlibOptions,
} from 'node:zlib';
import type { DailyCalls, RefusedRequest } from '../core/ports.ts';

/** WeChat's answers are a few hundred bytes. Counts before and after decompression. */
export const MAX_ANSWER_BYTES = 64 * 1024;
/** docs/wechat.md#transport; a standard parameter of SSM holds no more, either. */
const MAX_VALUE_BYTES = 4096;
/** For an answer without a lifetime: docs/wechat.md#transport. */
const DEFAULT_LIFETIME_SECONDS = 7_200;
/** "The lifetime may change", but what is longer than a year is not a lifetime. */
const MAX_LIFETIME_SECONDS = 31_536_000;

/** What a host sent, decoded. */
export type HttpAnswer = {
  /** For messages: the host's name and port. */
  readonly host: string;
  readonly status: number;
  readonly text: string;
  /** There was more than `MAX_ANSWER_BYTES`; `text` is the beginning. */
  readonly isTooLong: boolean;
};

/** WeChat's own words for a refusal. `errmsg` is '' where there was none. */
export type WechatErrorResponse = { readonly errcode: number; readonly errmsg: string };

/** What an answer came to: what was asked for, WeChat's refusal, or an answer that asking again cannot make better. */
export type Outcome<T> =
  | { readonly granted: T }
  | { readonly errorResponse: WechatErrorResponse }
  | {
      /** What is wrong with it, without any of its values. */
      readonly unusable: string;
      /** An errcode of 0 shows that WeChat sent it; otherwise another server may have. */
      readonly hasErrcode: boolean;
    };

/** A fault that another attempt may get past. */
export class RetryableError extends Error {
  readonly code: string;
  /** WeChat may have carried the call out, and so counted it, although we have no answer. */
  readonly mayHaveExecuted: boolean;
  /** The fault may be the host's own: the next attempt goes to the next one. */
  readonly tryNextHost: boolean;

  constructor(code: string, message: string, facts: { mayHaveExecuted: boolean; tryNextHost: boolean }) {
    super(message);
    this.code = code;
    this.mayHaveExecuted = facts.mayHaveExecuted;
    this.tryNextHost = facts.tryNextHost;
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Finds what was asked for in an answer that is not a refusal. */
export type AnswerReader<T> = {
  /** The fields, for messages. */
  readonly wants: string;
  /** `undefined`: they are missing, or of no use. */
  read(fields: Fields): T | undefined;
};

/** A token or a ticket, and the seconds that it has left by WeChat's word. */
export type GrantedValue = { readonly value: string; readonly expiresInSeconds: number };

function grantIn(field: string): AnswerReader<GrantedValue> {
  return {
    wants: field,
    read(fields) {
      const value = usableValue(fields[field]);
      return value === undefined
        ? undefined
        : { value, expiresInSeconds: lifetimeSeconds(fields['expires_in']) };
    },
  };
}

export const tokenAnswer = grantIn('access_token');
export const ticketAnswer = grantIn('ticket');

/** Of a probe. That nothing is refused is not enough: only the list shows that the token was accepted. */
export const probeAnswer: AnswerReader<true> = {
  wants: 'ip_list',
  read: ({ errcode, ip_list }) => (isUnrefused(errcode) && Array.isArray(ip_list)) || undefined,
};

/** Of `openapi/quota/get`. */
export const countAnswer: AnswerReader<DailyCalls> = {
  wants: 'quota',
  read({ errcode, quota }) {
    if (!isUnrefused(errcode) || !isObject(quota)) return undefined;
    const used = naturalNumber(quota['used']);
    const limit = naturalNumber(quota['daily_limit']);
    return used === undefined || limit === undefined ? undefined : { used, limit };
  },
};

/** Of `openapi/rid/get`. Its other fields are the request itself, secret or token included: they are never read. */
export const refusedRequestAnswer: AnswerReader<RefusedRequest> = {
  wants: 'client_ip',
  read({ request }) {
    if (!isObject(request)) return undefined;
    const clientIp = request['client_ip'];
    if (typeof clientIp !== 'string' || isIP(clientIp) === 0) return undefined;
    const invokedAtSeconds = naturalNumber(request['invoke_time']);
    return {
      clientIp,
      at: invokedAtSeconds === undefined ? null : invokedAtSeconds * 1000,
      costMs: naturalNumber(request['cost_in_ms']) ?? null,
    };
  },
};

/** Of a call that returns nothing. */
export const doneAnswer: AnswerReader<true> = {
  wants: 'errcode',
  read: ({ errcode }) => errcodeOf(errcode) === 0 || undefined,
};

/**
 * Reads an answer as it comes (docs/wechat.md#transport): WeChat's JSON counts under any HTTP status, and the types of its
 * fields vary.
 *
 * @throws RetryableError when WeChat is busy (-1), or for an answer that is not WeChat's and so says nothing about it
 */
export function readAnswer<T>(answer: HttpAnswer, reader: AnswerReader<T>): Outcome<T> {
  const { host, status, text, isTooLong } = answer;
  const isSuccess = status >= 200 && status < 300;
  const fields = isTooLong ? undefined : parseObject(text);
  if (fields) {
    const errcode = errcodeOf(fields['errcode']);
    if (errcode === -1) {
      throw new RetryableError('-1', `${host} is busy (-1)`, { mayHaveExecuted: false, tryNextHost: false });
    }
    if (errcode !== undefined && errcode !== 0) {
      return { errorResponse: { errcode, errmsg: errmsgOf(fields['errmsg']) } };
    }
    const granted = reader.read(fields);
    if (granted !== undefined) return { granted };
    if (errcode === 0 || isSuccess) {
      const unusable = `${host} answered without a usable ${reader.wants}`;
      return { unusable, hasErrcode: errcode === 0 };
    }
  }
  if (isTooLong && isSuccess && text.trimStart().startsWith('{')) {
    return { unusable: `${host} answered with more than ${MAX_ANSWER_BYTES} bytes`, hasErrcode: false };
  }
  throw notWechats(answer, isSuccess);
}

function notWechats({ host, status, text }: HttpAnswer, isSuccess: boolean): RetryableError {
  // A gateway in front of WeChat may have let the call through and spoiled only its answer.
  const facts = { mayHaveExecuted: true, tryNextHost: true };
  if (!isSuccess) return new RetryableError(`http-${status}`, `${host} answered HTTP ${status}`, facts);
  return text.trim() === ''
    ? new RetryableError('empty-body', `the answer of ${host} was empty`, facts)
    : new RetryableError('not-json', `the answer of ${host} was not WeChat's JSON`, facts);
}

/**
 * The text of a body. Bodies are decompressed here, because undici's `request` leaves them as they are.
 *
 * @param encoding the header `content-encoding`
 */
export async function decodeBody(
  body: Buffer,
  encoding: string,
): Promise<Pick<HttpAnswer, 'text' | 'isTooLong'>> {
  let bytes = body;
  // The last encoding was applied last.
  for (const name of encoding.toLowerCase().split(',').reverse()) {
    const decoder = decoderOf(name.trim(), bytes);
    if (decoder) bytes = await decompress(bytes, decoder);
  }
  // TextDecoder drops a byte order mark.
  const text = new TextDecoder().decode(bytes.subarray(0, MAX_ANSWER_BYTES));
  return { text, isTooLong: bytes.length > MAX_ANSWER_BYTES || body.length > MAX_ANSWER_BYTES };
}

/** A body that ends too soon still yields what it has. */
const lenient: ZlibOptions = { finishFlush: constants.Z_SYNC_FLUSH };

function decoderOf(encoding: string, bytes: Buffer): Transform | undefined {
  if (encoding === 'br') return createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH });
  // By its own mark, for some gateways compress without a header, and others decompress and keep it.
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return createGunzip(lenient);
  if (encoding !== 'deflate') return undefined;
  // With zlib's header, as the standard has it, or without, as some servers send it.
  return ((bytes[0] ?? 0) & 0x0f) === 8 ? createInflate(lenient) : createInflateRaw(lenient);
}

/** At most a chunk more than `MAX_ANSWER_BYTES`. */
async function decompress(bytes: Buffer, decoder: Transform): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  decoder.end(bytes);
  try {
    for await (const chunk of decoder) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_ANSWER_BYTES) break;
    }
  } catch {
    // What could be read decides; if that is nothing, it was not compressed after all.
    if (length === 0) return bytes;
  }
  return Buffer.concat(chunks);
}

/** Undefined for what is not one JSON object. */
function parseObject(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Undefined when there is none, or one that is no number. */
function errcodeOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\s*-?\d{1,9}\s*$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) ? Number(number) : undefined;
}

/** An errcode that is no number may be a refusal's: it does no harm beside a token, but confirms none. */
function isUnrefused(errcode: unknown): boolean {
  return errcode === undefined || errcode === null || errcodeOf(errcode) === 0;
}

function errmsgOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function usableValue(field: unknown): string | undefined {
  if (typeof field !== 'string') return undefined;
  const value = field.trim();
  const isUsable = /^[^\s\p{C}]+$/u.test(value) && Buffer.byteLength(value) <= MAX_VALUE_BYTES;
  return isUsable ? value : undefined;
}

/** 0 is what WeCom says in a token's last second. What is no number counts as missing. */
function lifetimeSeconds(field: unknown): number {
  const seconds = naturalNumber(field);
  return seconds === undefined || seconds > MAX_LIFETIME_SECONDS ? DEFAULT_LIFETIME_SECONDS : seconds;
}

/** A number or its digits in a string, rounded down. */
function naturalNumber(field: unknown): number | undefined {
  const number = typeof field === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(field) ? Number(field) : field;
  if (typeof number !== 'number' || number < 0) return undefined;
  const whole = Math.floor(number);
  return Number.isSafeInteger(whole) ? whole : undefined;
}
