import * as z from 'zod';

/** @param hostname as `URL` gives it */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** A base URL of WeChat's servers: HTTPS and nothing but the host; plain HTTP for a simulator on this machine only. */
export const wechatHost = z.string().superRefine((text, context) => {
  const message = problemWith(text);
  if (message) context.addIssue({ code: 'custom', message });
});

function problemWith(text: string): string | undefined {
  const example = 'write it like https://api.weixin.qq.com';
  if (!URL.canParse(text)) return `'${text}' is not a URL; ${example}`;
  const url = new URL(text);
  if (url.username || url.password) return `a base URL holds no credentials; ${example}`;
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    return `'${url.host}' needs https: the AppSecret travels in the request. Plain http is for loopback hosts only`;
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return `'${url.protocol}' is not https; ${example}`;
  if (url.pathname !== '/' || url.search || url.hash)
    return `a base URL has no path, query or fragment; ${example}`;
  return undefined;
}

/** The nearest, and the one for disaster recovery: docs/wechat.md#transport. */
export const defaultWechatHosts: readonly string[] = [
  'https://api.weixin.qq.com',
  'https://api2.weixin.qq.com',
];

export const defaultWecomHosts: readonly string[] = ['https://qyapi.weixin.qq.com'];

/** `WECHAT_HOSTS` of local mode: base URLs, separated by commas. */
export const hostList = z
  .string()
  .transform((text) => text.split(',').map((host) => host.trim()))
  .pipe(z.array(wechatHost).min(1));
