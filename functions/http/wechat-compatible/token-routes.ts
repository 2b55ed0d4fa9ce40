import { type App, liveValue, type TokenApi, type WechatApp, type WecomApp } from '../../core/credential.ts';
import { cacheableUntil, renewalModeOf } from '../../core/rules/lifetimes.ts';
import { type Authenticator, KeyRefusedError } from '../authenticator.ts';
import type { ReadRequest } from '../http-types.ts';
import type { RecordCache } from '../record-cache.ts';
import { WechatApiError } from './errors.ts';
import type { TokenIndex } from './token-index.ts';

/** What every route works with. */
export type RouteContext = {
  readonly apps: readonly App[];
  readonly authenticator: Authenticator;
  readonly cache: RecordCache;
  readonly refreshAfterMs: number;
  readonly tokens: TokenIndex;
};

/** How an SDK identifies itself; anything but a string counts as missing. */
type Application = Partial<Record<'grant_type' | 'appid' | 'secret', unknown>>;

/** `GET /cgi-bin/token`: like WeChat's, but it never rotates anything. */
export function token({ query }: ReadRequest, context: RouteContext): Promise<object> {
  const [grant_type, appid, secret] = ['grant_type', 'appid', 'secret'].map((name) => query.get(name));
  return serveAccountToken({ grant_type, appid, secret }, 'classic', context);
}

/** `POST /cgi-bin/stable_token`: `force_refresh` returns the current token, too. */
export async function stableToken({ body }: ReadRequest, context: RouteContext): Promise<object> {
  return serveAccountToken(jsonObject(body), 'stable', context);
}

/** `GET /cgi-bin/gettoken` of WeCom: of several apps of one corp the one in the key's scope. */
export async function wecomToken({ query }: ReadRequest, context: RouteContext): Promise<object> {
  const corpId = query.get('corpid');
  if (!corpId) throw new WechatApiError(41002, 'corpid');
  const ofCorp = context.apps.filter((app): app is WecomApp => app.kind === 'wecom' && app.corpId === corpId);
  if (ofCorp.length === 0) throw new WechatApiError(40013, 'no app of this corpid is configured');
  const [app, another] = await inScope(ofCorp, query.get('corpsecret'), context.authenticator);
  if (another) {
    const names = `${app.name}, ${another.name}, …`;
    throw new WechatApiError(
      40001,
      `several apps of this corp are in scope (${names}); use a reader key of one`,
    );
  }
  return { errcode: 0, errmsg: 'ok', ...(await serveToken(app, context)) };
}

/** In WeChat's own order of complaints: the first that applies. */
async function serveAccountToken(
  { grant_type, appid, secret }: Application,
  tokenApi: TokenApi,
  context: RouteContext,
): Promise<object> {
  if (grant_type !== 'client_credential') throw new WechatApiError(40002);
  if (typeof appid !== 'string' || appid === '') throw new WechatApiError(41002);
  const ofAppId = context.apps.filter((app): app is WechatApp => app.kind !== 'wecom' && app.appId === appid);
  if (ofAppId.length === 0) throw new WechatApiError(40013, 'no app of this AppID is configured');
  const allowed = await inScope(ofAppId, secret, context.authenticator);
  // One AppID may have a classic and a stable app; whichever is asked for, any live token of the account serves.
  return serveToken(allowed.find((app) => app.tokenApi === tokenApi) ?? allowed[0], context);
}

/** @throws WechatApiError 41004, 40001 */
async function inScope<A extends App>(
  apps: readonly A[],
  secret: unknown,
  authenticator: Authenticator,
): Promise<[A, ...A[]]> {
  const key = typeof secret === 'string' ? secret : '';
  if (authenticator.requiresKey && key === '') throw new WechatApiError(41004, 'put a reader key there');
  try {
    const [first, ...others] = apps.filter(await authenticator.authenticate(key));
    if (!first) throw new WechatApiError(40001, 'this reader key is for other apps');
    return [first, ...others];
  } catch (error) {
    if (error instanceof KeyRefusedError) throw new WechatApiError(40001, error.message);
    throw error;
  }
}

/**
 * The live token, and the seconds for which a caller may keep it: an SDK asks again only when they are over, and a
 * rotating token becomes invalid before its own end.
 */
async function serveToken(app: App, { cache, refreshAfterMs }: RouteContext): Promise<object> {
  const { record, now } = await cache.get(app, 'access-token');
  const live = liveValue(record, app, now);
  if (!record || !live)
    throw new WechatApiError(-1, `app '${app.name}' has no live access-token at the moment`);
  const mode = renewalModeOf({ app, name: 'access-token' }, record, now, refreshAfterMs);
  return {
    access_token: live.value,
    expires_in: Math.floor((cacheableUntil(record, live, mode, now) - now) / 1000),
  };
}

function jsonObject(body: string): Application {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  } catch {
    // Said below, as for any other body that is no JSON object.
  }
  throw new WechatApiError(47001, 'the body is no JSON object');
}
