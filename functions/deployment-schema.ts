import * as z from 'zod';
import { appSchema, oneOf, text, wechatHost, wholeNumber } from './core/app-schema.ts';
import { defaultWechatHosts, defaultWecomHosts } from './wechat/hosts.ts';

export const DEFAULT_PARAMETER_PREFIX = '/wechat';

/** @param remedy said for a wrong type as well as for a wrong shape */
export function parameterPath(remedy: string) {
  return text(/^(\/[A-Za-z0-9_.-]+)+$/, remedy);
}

function hosts(byDefault: readonly string[]) {
  return z
    .array(wechatHost, 'expected a list of base URLs')
    .min(1, 'expected at least one base URL')
    .default([...byDefault]);
}

/**
 * What `cdk synth` decides and the functions must know. infra's configuration extends this schema, and `deployment.ts`
 * infers its type from it, so no key is written twice. A file of its own, because the read function must not load zod:
 * synth has validated what the functions read.
 */
export const deploymentSchema = z.object({
  /** The accounts whose credentials are kept fresh; any number. */
  apps: z.array(appSchema, 'expected a list of apps').min(1, 'expected at least one app'),
  /** Root of every SSM parameter. @default '/wechat' */
  parameterPrefix: parameterPath('expected a path like /wechat, without a slash at its end')
    .refine((prefix) => !/^\/(aws|ssm)/i.test(prefix), 'SSM reserves names that begin with aws or ssm')
    .refine(
      (prefix) => prefix.split('/').length <= 13,
      'has more than 12 levels: SSM allows 15, and <root>/<app>/<credential> needs three',
    )
    .refine(
      (prefix) => !/\/(tokens|secrets)(\/|$)/.test(prefix),
      'has a level named tokens or secrets: readers of another stack above it could read its secrets',
    )
    .default(DEFAULT_PARAMETER_PREFIX),
  /** Age at which a classic token is renewed. @default 100 */
  refreshAfterMinutes: wholeNumber(1, 115).default(100),
  /** Minutes between two runs of the refresher. @default 1 */
  tickMinutes: wholeNumber(1, 5).default(1),
  /** Minutes between two checks of a token with WeChat; 0 = never. @default 3 */
  probeMinutes: wholeNumber(0, 60).default(3),
  /** Base URLs of 公众平台 and 开放平台, the preferred one first. @default api.weixin.qq.com, api2.weixin.qq.com */
  wechatHosts: hosts(defaultWechatHosts),
  /** Base URLs of 企业微信, the preferred one first. @default qyapi.weixin.qq.com */
  wecomHosts: hosts(defaultWecomHosts),
  readUrl: z.object({
    /** Who may read: `iam`, callers that sign with IAM; `key`, callers that show a reader key. @default 'iam' */
    auth: oneOf(['iam', 'key']).default('iam'),
    /** How long the read URL may serve from memory. @default 10 */
    cacheSeconds: wholeNumber(0, 60).default(10),
  }),
});
