import { type App, liveValue, type TokenApi, type WechatApp, type WecomApp } from '../core/credential.ts';
import { goodUntil, renewalOf } from '../core/due.ts';
import { CompatibleRefusal } from './compatible-refusal.ts';
import type { ReadRequest } from './exchange.ts';
import { type Guard, KeyRefusedError } from './guard.ts';
import type { RecordCache } from './record-cache.ts';

export type TokenLending = {
  readonly apps: readonly App[];
  readonly guard: Guard;
  readonly cache: RecordCache;
  readonly refreshAfterMs: number;
};

/** An SDK's way to say who it is; what is no string counts as missing. */
type Application = Partial<Record<'grant_type' | 'appid' | 'secret', unknown>>;

/** `GET /cgi-bin/token`: like WeChat's, but it never rotates anything. */
export function token({ query }: ReadRequest, lending: TokenLending): Promise<object> {
  const [grant_type, appid, secret] = ['grant_type', 'appid', 'secret'].map((name) => query.get(name));
  return lendTo({ grant_type, appid, secret }, 'classic', lending);
}

/** `POST /cgi-bin/stable_token`: `force_refresh` returns the current token, too. */
export async function stableToken({ body }: ReadRequest, lending: TokenLending): Promise<object> {
  return lendTo(jsonObject(body), 'stable', lending);
}

/** `GET /cgi-bin/gettoken` of WeCom: of several agents of one corp the one in the key's scope. */
export async function wecomToken({ query }: ReadRequest, lending: TokenLending): Promise<object> {
  const corpId = query.get('corpid');
  if (!corpId) throw new CompatibleRefusal(41002, 'corpid');
  const agents = lending.apps.filter((app): app is WecomApp => app.kind === 'wecom' && app.corpId === corpId);
  if (agents.length === 0) throw new CompatibleRefusal(40013, 'no app of this corpid is configured');
  const [agent, another] = await inScope(agents, query.get('corpsecret'), lending.guard);
  if (another) {
    const names = `${agent?.name}, ${another.name}, …`;
    throw new CompatibleRefusal(
      40001,
      `several apps of this corp are in scope (${names}); use a reader key of one`,
    );
  }
  return { errcode: 0, errmsg: 'ok', ...(await lend(agent, lending)) };
}

/** In WeChat's own order of complaints: the first that applies. */
async function lendTo(
  { grant_type, appid, secret }: Application,
  tokenApi: TokenApi,
  lending: TokenLending,
): Promise<object> {
  if (grant_type !== 'client_credential') throw new CompatibleRefusal(40002);
  if (typeof appid !== 'string' || appid === '') throw new CompatibleRefusal(41002);
  const ofAppId = lending.apps.filter((app): app is WechatApp => app.kind !== 'wecom' && app.appId === appid);
  if (ofAppId.length === 0) throw new CompatibleRefusal(40013, 'no app of this AppID is configured');
  const allowed = await inScope(ofAppId, secret, lending.guard);
  // One AppID may have a classic and a stable app; whichever is asked for, any live token of the account serves.
  return lend(allowed.find((app) => app.tokenApi === tokenApi) ?? allowed[0], lending);
}

/** @throws CompatibleRefusal 41004, 40001 */
async function inScope<A extends App>(
  apps: readonly A[],
  secret: unknown,
  guard: Guard,
): Promise<[A, ...A[]]> {
  const key = typeof secret === 'string' ? secret : '';
  if (guard.wantsKey && key === '') throw new CompatibleRefusal(41004, 'put a reader key there');
  try {
    const [first, ...others] = apps.filter(await guard.admit(key));
    if (!first) throw new CompatibleRefusal(40001, 'this reader key is for other apps');
    return [first, ...others];
  } catch (error) {
    if (error instanceof KeyRefusedError) throw new CompatibleRefusal(40001, error.message);
    throw error;
  }
}

/**
 * The live token, and the seconds for which a caller may keep it: an SDK asks again only when they are over, and a
 * rotating token dies before its own end.
 */
async function lend(app: App, { cache, refreshAfterMs }: TokenLending): Promise<object> {
  const { record, now } = await cache.get(app, 'access-token');
  const live = liveValue(record, app, now);
  if (!record || !live)
    throw new CompatibleRefusal(-1, `app '${app.name}' has no live access-token at the moment`);
  const renewal = renewalOf(app, 'access-token', record, now, refreshAfterMs);
  return {
    access_token: live.value,
    expires_in: Math.floor((goodUntil(live, renewal, now) - now) / 1000),
  };
}

function jsonObject(body: string): Application {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  } catch {
    // Said below, as for any other body that is no JSON object.
  }
  throw new CompatibleRefusal(47001, 'the body is no JSON object');
}
