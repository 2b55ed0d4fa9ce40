import { type Occasion, Refusal } from './refusal.ts';

/** The codes that WeChat refuses an account's token call with, whatever the secret (WECHAT.md, "classic"). */
export const accountRefusals = [40125, 40243, 50004, 50007, 89501, 89503, 89506, 89507] as const;
export type AccountRefusal = (typeof accountRefusals)[number];

const messages = {
  40001: 'invalid credential, access_token is invalid or not latest',
  40002: 'invalid grant_type',
  40013: 'invalid appid',
  40014: 'invalid access_token',
  40066: 'invalid url',
  40097: 'invalid args',
  40125: 'invalid appsecret',
  40164: 'invalid ip, not in whitelist',
  40243: 'appsecret is frozen',
  41001: 'access_token missing',
  41002: 'appid missing',
  41004: 'appsecret missing',
  42001: 'access_token expired',
  43001: 'require GET method',
  43002: 'require POST method',
  45009: 'reach max api daily quota limit',
  45011: 'api minute-quota reach limit, must slower, retry next minute',
  47001: 'data format error',
  50004: 'forbidden to use the token interface',
  50007: 'account is frozen',
  76003: 'cgi_path not found, please check',
  89501: 'waiting for the confirmation of the administrator',
  89503: 'this ip needs the confirmation of the administrator',
  89506: 'the administrator refused this ip twice, try again in 24 hours',
  89507: 'the administrator refused this ip, try again in 1 hour',
} as const satisfies Record<AccountRefusal, string> & Record<number, string>;

export type WechatErrcode = keyof typeof messages;

/** A refusal by official accounts, mini programs and mini games. */
export class WechatError extends Refusal {
  override readonly name = 'WechatError';
  override readonly errcode: WechatErrcode;

  constructor(errcode: WechatErrcode, message: string = messages[errcode]) {
    super(message);
    this.errcode = errcode;
  }

  override errmsg(occasion: Occasion): string {
    return withRid(this.errcode, this.message, occasion);
  }
}

/** 40164 names the caller twice: as it came, and as IPv6. */
export function ipNotAllowed(ip: string): WechatError {
  const ipv6 = ip.includes(':') ? ip : `::ffff:${ip}`;
  return new WechatError(40164, `invalid ip ${ip} ipv6 ${ipv6}, not in whitelist`);
}

const separators = [' ', ', ', '; ', ' , '];

/**
 * The message with the request's id. "The separator before `rid` varies" (WECHAT.md, "Transport"), so it
 * changes with every answer; only 40164 is known by its exact looks.
 */
export function withRid(errcode: number, message: string, { serial, now }: Occasion): string {
  const separator = errcode === 40164 ? ' ' : separators[serial % separators.length];
  const rid = [Math.floor(now / 1000), serial, Math.imul(serial, 0x9e3779b1) >>> 0];
  const hex = rid.map((part) => part.toString(16).padStart(8, '0')).join('-');
  return `${message}${separator}rid: ${hex}`;
}
