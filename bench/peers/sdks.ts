import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { callbackify, promisify } from 'node:util';
import { loadSdk, type SdkName } from './sdk-packages.ts';

/** Each SDK set up as its documentation says. */

export type PeerSettings = {
  readonly sdk: SdkName;
  readonly appId: string;
  readonly secret: string;
  /** WeChat, without a slash at the end. */
  readonly wechatUrl: string;
  /** Shared by all processes. Without it tokens are kept in memory, except by node-easywechat, which needs it. */
  readonly folder?: string;
  /** Our read URL, for co-wechat-api: the SDK asks it for the token before each call, and never fetches one from WeChat. */
  readonly readUrl?: string;
};

/** Makes one protected call, including the SDK's own retries, and returns WeChat's answer. */
export type ProtectedCall = () => Promise<unknown>;

/** Neither a busy machine nor the server's close of an idle connection may count as a failure of the SDK. */
const TIMEOUT_MS = 60_000;
const agent = new Agent({ keepAlive: false });

export function openSdk(settings: PeerSettings): ProtectedCall {
  if (settings.sdk === 'co-wechat-api') return coWechatApi(settings);
  return settings.sdk === 'wechat-api' ? wechatApi(settings) : nodeEasywechat(settings);
}

function coWechatApi({ appId, secret, wechatUrl, folder, readUrl }: PeerSettings): ProtectedCall {
  const API = loadSdk('co-wechat-api');
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
  const API = loadSdk('wechat-api');
  const file = folder === undefined ? undefined : tokenFile(folder);
  const api = new API(appId, secret, file && callbackify(file.get), file && callbackify(file.save));
  api.endpoint = wechatUrl;
  api.setOpts({ timeout: TIMEOUT_MS, agent });
  return promisify(api.getIp.bind(api));
}

function nodeEasywechat({ appId, secret, wechatUrl, folder }: PeerSettings): ProtectedCall {
  const { OfficialAccount } = loadSdk('node-easywechat');
  const app = new OfficialAccount({
    app_id: appId,
    secret,
    http: { baseURL: wechatUrl, timeout: TIMEOUT_MS, httpAgent: agent },
    file_cache: { path: folder },
  });
  return async () => (await app.getClient().get('/cgi-bin/getcallbackip')).toObject();
}

type TokenFile = {
  readonly get: () => Promise<unknown>;
  readonly save: (token: unknown) => Promise<void>;
};

/**
 * The shared storage that co-wechat-api and wechat-api need with several processes. Their documentation shows a bare
 * `writeFile` and recommends Redis; a file that is replaced as a whole is as atomic as Redis, so no process reads half a token.
 */
function tokenFile(folder: string): TokenFile {
  const path = join(folder, 'access_token.txt');
  return {
    async get() {
      try {
        return JSON.parse(await readFile(path, 'utf8'));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async save(token) {
      const draft = join(folder, randomUUID());
      await writeFile(draft, JSON.stringify(token));
      await rename(draft, path);
    },
  };
}
