import { type Occasion, Refusal } from './refusal.ts';

const messages = {
  40001: 'invalid credential',
  40013: 'invalid corpid',
  40014: 'invalid access_token',
  40097: 'invalid argument',
  41001: 'access_token missing',
  41002: 'corpid missing',
  41004: 'corpsecret missing',
  42001: 'access_token expired',
  45009: 'api freq out of limit',
  60020: 'not allow to access from your ip',
} as const;

export type WecomErrcode = keyof typeof messages;

/** WeCom's refusal. It has no `rid`: it tells a hint, the caller's address and where to look the code up. */
export class WecomError extends Refusal {
  override readonly name = 'WecomError';
  override readonly errcode: WecomErrcode;

  constructor(errcode: WecomErrcode) {
    super(messages[errcode]);
    this.errcode = errcode;
  }

  override errmsg({ serial, now, callerIp }: Occasion): string {
    // 19 digits, more than a number can hold.
    const hint = `${Math.floor(now / 1000)}${String(serial).padStart(9, '0')}`;
    const help = `https://open.work.weixin.qq.com/devtool/query?e=${this.errcode}`;
    return `${this.message}, hint: [${hint}], from ip: ${callerIp}, more info at ${help}`;
  }
}
