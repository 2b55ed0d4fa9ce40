import * as z from 'zod';

/**
 * The one shape of an app, from the configuration over the deployment's file to local mode; `credential.ts` infers its
 * types from here. What checks input imports this file; what only needs the types does not, so that the read function
 * loads no zod.
 */

export function oneOf<const T extends string>(values: readonly T[]) {
  return z.enum(values, `expected one of ${values.join(', ')}`);
}

export function wholeNumber(min: number, max: number) {
  const remedy = `expected a whole number from ${min} to ${max}`;
  return z.int(remedy).min(min, remedy).max(max, remedy);
}

/** @param remedy said for a wrong type as well as for a wrong shape */
export function text(shape: RegExp, remedy: string) {
  return z.string(remedy).regex(shape, remedy);
}

function tickets<const T extends string>(types: readonly T[]) {
  return z
    .array(oneOf(types), 'expected a list of tickets')
    .refine((given) => new Set(given).size === given.length, 'names a ticket twice; remove one')
    .default([]);
}

/** @param hostname as `URL` gives it */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/**
 * A base URL of WeChat's servers: HTTPS, or plain HTTP for a simulator on this machine. A path is allowed, for a private
 * WeCom (`https://wecom.example.com/qyapi`): WeChat's own paths follow it.
 */
export const wechatHost = z.string().superRefine((text, context) => {
  const message = problemWithHost(text);
  if (message) context.addIssue({ code: 'custom', message });
});

function problemWithHost(text: string): string | undefined {
  const example = 'write it like https://api.weixin.qq.com';
  if (!URL.canParse(text) || /\s/.test(text)) return `'${text}' is not a URL; ${example}`;
  const url = new URL(text);
  if (url.username || url.password) return `a base URL holds no credentials; ${example}`;
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    return `'${url.host}' needs https: the AppSecret travels in the request. Plain http is for loopback hosts only`;
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return `'${url.protocol}' is not https; ${example}`;
  }
  if (/[?#]/.test(text)) return `a base URL has no query or fragment; ${example}`;
  if (/\/cgi-bin\/*$/.test(url.pathname)) return `a base URL ends before /cgi-bin; ${example}`;
  return undefined;
}

/**
 * Base URLs of this app's own, such as an overseas access point or a private WeCom, the preferred one first.
 *
 * @default `wechatHosts` of the deployment, or `wecomHosts`
 */
const hosts = z
  .array(wechatHost, 'expected a list of base URLs')
  .min(1, 'expected at least one base URL')
  .optional();

/** Of every kind. */
const anyApp = {
  /** Unique in a deployment; part of every name that readers use. */
  name: text(/^[a-z0-9-]{1,32}$/, 'expected 1 to 32 of a-z, 0-9 and -'),
  hosts,
};

const APP_ID = 'expected the AppID from the console of the account, like wx0123456789abcdef';
const ORIGINAL_ID =
  "is the account's original ID (原始 ID); the AppID begins with wx, like wx0123456789abcdef";

const wechatApp = {
  ...anyApp,
  appId: z.string(APP_ID).regex(/^wx[A-Za-z0-9_-]{2,62}$/, {
    error: ({ input }) => (String(input).startsWith('gh_') ? ORIGINAL_ID : APP_ID),
  }),
  /** `classic`: `/cgi-bin/token`, every call rotates. `stable`: `/cgi-bin/stable_token`, the same value until near its end. */
  tokenApi: oneOf(['classic', 'stable']).default('classic'),
};

/** 公众号, 服务号. */
const officialAccountSchema = z.strictObject({
  ...wechatApp,
  kind: z.literal('official-account'),
  tickets: tickets(['jsapi', 'wx_card']),
});

/** 小程序, 小游戏. */
const miniAppSchema = z.strictObject({
  ...wechatApp,
  kind: z.enum(['mini-program', 'mini-game']),
  tickets: tickets(['jsapi', 'wx_card']).refine(
    (given) => given.length === 0,
    'this kind has no tickets; remove them',
  ),
});

/** 移动应用, and the other kinds that the same interfaces serve (网站应用, 微信小店 …): docs/wechat.md#stable-token. */
const openAppSchema = z.strictObject({
  ...wechatApp,
  kind: z.literal('open-app'),
  /** `sdk`: for the scan login of a 移动应用. */
  tickets: tickets(['sdk']),
});

/**
 * 企业微信: one secret of a corp, mostly that of an agent (应用). Each secret has a token of its own: never key it by the
 * corp alone.
 */
const wecomAppSchema = z
  .strictObject({
    ...anyApp,
    kind: z.literal('wecom'),
    corpId: text(
      /^[A-Za-z0-9_-]{4,64}$/,
      'expected the CorpID from work.weixin.qq.com, like ww0123456789abcdef',
    ),
    /** None for a secret without an agent, such as that of 通讯录同步 or 会话存档: docs/wechat.md#wecom. */
    agentId: wholeNumber(1, 2_147_483_647).optional(),
    tickets: tickets(['jsapi', 'agent_config']),
  })
  .refine(({ agentId, tickets }) => agentId !== undefined || !tickets.includes('agent_config'), {
    path: ['tickets'],
    error: "agent_config is an agent's ticket: set agentId, or remove it",
    // Beside other issues, which must not hide it.
    when: ({ value }) => Array.isArray((value as { tickets?: unknown } | null)?.tickets),
  });

/** An account that owns an access token of its own. */
export const appSchema = z.discriminatedUnion(
  'kind',
  [officialAccountSchema, miniAppSchema, openAppSchema, wecomAppSchema],
  {
    error: 'expected one of official-account, mini-program, mini-game, open-app, wecom',
  },
);
