import { type App, credentialId, liveValue } from '../credential.ts';
import { SourceError } from '../errors.ts';
import type { DailyCalls, Diagnostics, HostReach, RecordStore, SecretStore } from '../ports.ts';
import { countForToday } from '../rules/quota-day.ts';

/** What operators cannot see from outside the function: its way to WeChat, its secret, and WeChat's own count of the day. */
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
};

/** Looks at everything that concerns one app. Changes nothing, and never throws for what it finds. */
export async function diagnose(
  app: App,
  now: number,
  ports: { store: Pick<RecordStore, 'read'>; secrets: SecretStore; diagnostics: Diagnostics },
): Promise<Diagnosis> {
  const { store, secrets, diagnostics } = ports;
  const id = credentialId(app.name, 'access-token');
  const record = (await store.read([id])).get(id);
  const [secret, reach, wechat] = await Promise.all([
    secrets.reread(app).then(
      (found) => (found ? 'present' : 'missing'),
      () => 'unreadable' as const,
    ),
    diagnostics.reach(app),
    countAtWechat(app, liveValue(record, app, now)?.value, diagnostics),
  ]);
  const ours = record ? countForToday(record.requestedAt, record.requestsToday, now) : 0;
  return { app: app.name, now, secret, ...reach, tokenCalls: { ours, ...wechat } };
}

async function countAtWechat(
  app: App,
  accessToken: string | undefined,
  diagnostics: Diagnostics,
): Promise<Pick<Diagnosis['tokenCalls'], 'wechat' | 'problem'>> {
  // WeCom has no such interface.
  if (app.kind === 'wecom') return { wechat: null, problem: null };
  if (accessToken === undefined) {
    return { wechat: null, problem: 'WeChat gives its count for a valid token only, and there is none.' };
  }
  try {
    return { wechat: await diagnostics.tokenCalls(app, accessToken), problem: null };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { wechat: null, problem: error.message };
  }
}
