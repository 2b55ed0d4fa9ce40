import {
  type App,
  type CredentialRecord,
  credentialId,
  credentialsOf,
  liveValue,
  type WechatApp,
} from '../credential.ts';
import { SourceError } from '../errors.ts';
import type {
  DailyCalls,
  Diagnostics,
  HostReach,
  RecordStore,
  RefusedRequest,
  SecretStore,
} from '../ports.ts';
import { countForToday } from '../rules/quota-day.ts';

/** What operators cannot see from outside the function: its way to WeChat, its secret, and what WeChat itself has recorded. */
export type Diagnosis = {
  readonly app: string;
  /** Epoch ms, by the function's clock. */
  readonly now: number;
  readonly secret: 'present' | 'missing' | 'unreadable';
  readonly throughProxy: boolean;
  readonly hosts: readonly HostReach[];
  /** Today's calls of the app's token interface, by the day in Beijing. More than ours: another client calls it. */
  readonly tokenCalls: {
    readonly ours: number;
    readonly wechat: DailyCalls | null;
    /** Why WeChat's count is not known, and what to do. */
    readonly problem: string | null;
  };
  /** What WeChat recorded of the request behind the app's last error; null: there is none, or WeChat does not say. */
  readonly lastRefusal: RefusedRequest | null;
};

/** Looks at everything that concerns one app. Changes nothing, and never throws for what it finds. */
export async function diagnose(
  app: App,
  now: number,
  ports: { store: Pick<RecordStore, 'read'>; secrets: SecretStore; diagnostics: Diagnostics },
): Promise<Diagnosis> {
  const { store, secrets, diagnostics } = ports;
  const ids = credentialsOf(app).map(({ name }) => credentialId(app.name, name));
  const records = await store.read(ids);
  const record = records.get(credentialId(app.name, 'access-token'));
  const accessToken = liveValue(record, app, now)?.value;
  const ours = record ? countForToday(record.requestedAt, record.requestsToday, now) : 0;
  const [secret, reach, counted, lastRefusal] = await Promise.all([
    secrets.reread(app).then(
      (found) => (found ? 'present' : 'missing'),
      () => 'unreadable' as const,
    ),
    diagnostics.reach(app),
    countAtWechat(app, accessToken, ours, diagnostics),
    explainLastRefusal(app, accessToken, lastRid(records.values()), diagnostics),
  ]);
  return { app: app.name, now, secret, ...reach, tokenCalls: { ours, ...counted }, lastRefusal };
}

async function countAtWechat(
  app: App,
  accessToken: string | undefined,
  ours: number,
  diagnostics: Diagnostics,
): Promise<Pick<Diagnosis['tokenCalls'], 'wechat' | 'problem'>> {
  // WeCom has no such interface.
  if (!isWechatApp(app)) return { wechat: null, problem: null };
  if (accessToken === undefined) {
    return { wechat: null, problem: 'WeChat gives its count for a valid token only, and there is none.' };
  }
  try {
    const wechat = await diagnostics.tokenCalls(app, accessToken);
    if (wechat.used >= ours) return { wechat, problem: null };
    // docs/wechat.md#is-a-token-still-valid: of some accounts it stands at 0 for ever.
    const problem = `WeChat says ${wechat.used}, which is below our own count and so is no count.`;
    return { wechat: null, problem };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { wechat: null, problem: error.message };
  }
}

async function explainLastRefusal(
  app: App,
  accessToken: string | undefined,
  rid: string | undefined,
  diagnostics: Diagnostics,
): Promise<RefusedRequest | null> {
  if (!isWechatApp(app) || accessToken === undefined || rid === undefined) return null;
  try {
    return await diagnostics.explain(app, accessToken, rid);
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return null;
  }
}

/** The id of the request that WeChat refused last, whichever of the app's credentials it was for. */
function lastRid(records: Iterable<CredentialRecord>): string | undefined {
  let last: { readonly at: number; readonly rid: string } | undefined;
  for (const { failure } of records) {
    if (failure?.rid !== undefined && failure.at >= (last?.at ?? 0)) {
      last = { at: failure.at, rid: failure.rid };
    }
  }
  return last?.rid;
}

function isWechatApp(app: App): app is WechatApp {
  return app.kind !== 'wecom';
}
