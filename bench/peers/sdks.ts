import { Agent } from 'node:http';
import { createRequire } from 'node:module';
import { callbackify, promisify } from 'node:util';
import { tokenFile } from './token-file.ts';

/** SDKs as npm has them, installed in test/clients; each set up as its documentation says. */

export type PeerSettings = {
  readonly sdk: 'co-wechat-api' | 'wechat-api' | 'node-easywechat';
  readonly appId: string;
  readonly secret: string;
  /** WeChat, without a slash at the end. */
  readonly wechatUrl: string;
  /** What the processes of one deployment share. node-easywechat needs it; the others keep tokens in memory without it. */
  readonly folder?: string;
  /** Ours, for co-wechat-api: each need asks it anew for the token, and the SDK never fetches one from WeChat. */
  readonly readUrl?: string;
};

/** Makes one protected call, with whatever retries the SDK has, and gives WeChat's answer. */
export type ProtectedCall = () => Promise<unknown>;

/** Neither a loaded machine nor an idle connection that is closed under the SDK shall count as its failure. */
const TIMEOUT_MS = 60_000;
const agent = new Agent({ keepAlive: false });

const load = createRequire(new URL('../../test/clients/package.json', import.meta.url));

export function openSdk(settings: PeerSettings): ProtectedCall {
  if (settings.sdk === 'co-wechat-api') return coWechatApi(settings);
  return settings.sdk === 'wechat-api' ? wechatApi(settings) : nodeEasywechat(settings);
}

function coWechatApi({ appId, secret, wechatUrl, folder, readUrl }: PeerSettings): ProtectedCall {
  const API = load('co-wechat-api');
  const open = (url: string, ...args: unknown[]) => {
    const api = new API(appId, ...args);
    api.prefix = `${url}/cgi-bin/`;
    api.setOpts({ timeout: TIMEOUT_MS, agent });
    return api;
  };
  if (readUrl !== undefined) {
    const tokens = open(readUrl, 'reader-key');
    const api = open(
      wechatUrl,
      'not needed',
      () => tokens.getAccessToken(),
      async () => undefined,
      true,
    );
    return () => api.getIp();
  }
  const file = folder === undefined ? undefined : tokenFile(folder);
  const api = open(wechatUrl, secret, file?.get, file?.save);
  return () => api.getIp();
}

function wechatApi({ appId, secret, wechatUrl, folder }: PeerSettings): ProtectedCall {
  const API = load('wechat-api');
  const file = folder === undefined ? undefined : tokenFile(folder);
  const api = new API(appId, secret, file && callbackify(file.get), file && callbackify(file.save));
  api.endpoint = wechatUrl;
  api.setOpts({ timeout: TIMEOUT_MS, agent });
  return promisify(api.getIp.bind(api));
}

function nodeEasywechat({ appId, secret, wechatUrl, folder }: PeerSettings): ProtectedCall {
  const { OfficialAccount } = load('node-easywechat');
  const app = new OfficialAccount({
    app_id: appId,
    secret,
    http: { baseURL: wechatUrl, timeout: TIMEOUT_MS, httpAgent: agent },
    file_cache: { path: folder },
  });
  return async () => (await app.getClient().get('/cgi-bin/getcallbackip')).toObject();
}
