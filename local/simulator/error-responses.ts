/** What the wording of an error depends on besides its code. */
export type RequestMetadata = {
  /** Counts requests, so that what varies at WeChat varies here the same way in every run. */
  readonly serial: number;
  /** Epoch milliseconds. */
  readonly now: number;
  /** The address that WeChat sees. */
  readonly callerIp: string;
};

/** Thrown where one of the platforms answers with an `errcode` instead of what was asked for. */
export abstract class WechatErrorResponse extends Error {
  abstract readonly errcode: number;

  /** The message as the answer to this request words it. */
  abstract errmsg(request: RequestMetadata): string;
}

/** The codes that refuse every token call of an account, whatever its secret (docs/wechat.md#error-codes). */
export const accountErrorCodes = [
  40125, 40243, 50001, 50002, 50004, 50007, 61024, 89501, 89502, 89503, 89504, 89505, 89506, 89507,
] as const;
export type AccountErrorCode = (typeof accountErrorCodes)[number];

/** With which `openapi/quota/get` refuses to count, whatever is asked for (docs/wechat.md#is-a-token-still-valid). */
export const countErrorCodes = [48001, 76003, 76021, 76022] as const;

const officialMessages = {
  [-1000]: 'system error hints',
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
  48001: 'api unauthorized',
  48006: 'forbid to clear quota because of reaching the limit',
  50001: 'user unauthorized',
  50002: 'user limited',
  50004: 'forbidden to use the token interface',
  50007: 'account is frozen',
  61024: 'this api wants the access_token of a component',
  76001: 'rid not found',
  76003: 'cgi_path is invalid, please check',
  76021: 'cgi_path not found, please check',
  76022: 'could not use this cgi_path, no permission',
  89501: 'waiting for the confirmation of the administrator',
  89502: 'the confirmation of the administrator has timed out',
  89503: 'this ip needs the confirmation of the administrator',
  89504: 'this ip waits for the administrator',
  89505: 'the administrator has not answered yet',
  89506: 'the administrator refused this ip twice, try again in 24 hours',
  89507: 'the administrator refused this ip, try again in 1 hour',
} as const satisfies Record<AccountErrorCode, string> & Record<number, string>;

/** An error of official accounts, mini programs and mini games. */
export class OfficialAccountError extends WechatErrorResponse {
  override readonly name = 'OfficialAccountError';
  override readonly errcode: keyof typeof officialMessages;

  constructor(errcode: keyof typeof officialMessages, message: string = officialMessages[errcode]) {
    super(message);
    this.errcode = errcode;
  }

  override errmsg(request: RequestMetadata): string {
    return withRequestId(this.errcode, this.message, request);
  }
}

/** 40164 names the caller twice: as it came, and as IPv6 (docs/wechat.md#ip-lists). */
export function ipNotAllowed(ip: string): OfficialAccountError {
  const ipv6 = ip.includes(':') ? ip : `::ffff:${ip}`;
  return new OfficialAccountError(40164, `invalid ip ${ip} ipv6 ${ipv6}, not in whitelist`);
}

const separators = [' ', ', ', '; ', ' , '];

/** The id under which `openapi/rid/get` finds a refused request: three groups of eight hexadecimal digits. */
export function requestIdOf({ serial, now }: RequestMetadata): string {
  const parts = [Math.floor(now / 1000), serial, Math.imul(serial, 0x9e3779b1) >>> 0];
  return parts.map((part) => part.toString(16).padStart(8, '0')).join('-');
}

/**
 * The message with the request's id, after a separator that varies from answer to answer
 * (docs/wechat.md#transport); of 40164 only the form with a blank is known.
 */
export function withRequestId(errcode: number, message: string, request: RequestMetadata): string {
  const separator = errcode === 40164 ? ' ' : separators[request.serial % separators.length];
  return `${message}${separator}rid: ${requestIdOf(request)}`;
}

const wecomMessages = {
  40001: 'invalid credential',
  40013: 'invalid corpid',
  40014: 'invalid access_token',
  40097: 'invalid argument',
  41001: 'access_token missing',
  41002: 'corpid missing',
  41004: 'corpsecret missing',
  42001: 'access_token expired',
  45009: 'api freq out of limit',
  48002: 'api forbidden',
  60020: 'not allow to access from your ip',
} as const;

/** An error of WeCom, which has no `rid`. */
export class WecomError extends WechatErrorResponse {
  override readonly name = 'WecomError';
  override readonly errcode: keyof typeof wecomMessages;

  constructor(errcode: keyof typeof wecomMessages) {
    super(wecomMessages[errcode]);
    this.errcode = errcode;
  }

  override errmsg(request: RequestMetadata): string {
    return withHint(this.errcode, this.message, request);
  }
}

/** The message as WeCom ends it: with a hint, the caller's address and a link (docs/wechat.md#transport). */
export function withHint(
  errcode: number,
  message: string,
  { serial, now, callerIp }: RequestMetadata,
): string {
  // 19 digits, more than a number can hold.
  const hint = `${Math.floor(now / 1000)}${String(serial).padStart(9, '0')}`;
  const help = `https://open.work.weixin.qq.com/devtool/query?e=${errcode}`;
  return `${message}, hint: [${hint}], from ip: ${callerIp}, more info at ${help}`;
}
