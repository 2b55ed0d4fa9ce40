import { json, type ReadResponse } from '../http-types.ts';

/** WeChat's own words, so that an SDK does what it does at WeChat. */
const messages = {
  [-1]: 'system error',
  40001: 'invalid credential, access_token is invalid or not latest',
  40002: 'invalid grant_type',
  40013: 'invalid appid',
  40066: 'invalid url',
  40097: 'invalid args',
  41001: 'access_token missing',
  41002: 'appid missing',
  41004: 'appsecret missing',
  43001: 'require GET method',
  43002: 'require POST method',
  47001: 'data format error',
  48001: 'api unauthorized',
} as const;

/** An error in WeChat's own shape: HTTP 200 with an `errcode`. */
export class WechatApiError extends Error {
  readonly errcode: number;

  /** @param hint what operators should know, after WeChat's own words: SDKs go by the code alone */
  constructor(errcode: keyof typeof messages, hint?: string) {
    super(hint ? `${messages[errcode]}: ${hint}` : messages[errcode]);
    this.errcode = errcode;
  }
}

export function errorResponse({ errcode, message }: WechatApiError): ReadResponse {
  return json(200, { errcode, errmsg: message });
}
