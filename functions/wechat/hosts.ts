import * as z from 'zod';
import { wechatHost } from '../core/app-schema.ts';
import type { App } from '../core/credential.ts';

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

/** The base URLs to ask for an app: its own, or those of its platform. */
export function hostsOf(app: App, ofPlatform: readonly string[]): readonly string[] {
  return app.hosts ?? ofPlatform;
}

/** Where one of WeChat's paths is under a base URL, which may have a path of its own. */
export function urlOf(host: string, path: string): URL {
  const url = new URL(host);
  url.pathname = url.pathname.replace(/\/+$/, '') + path;
  return url;
}
