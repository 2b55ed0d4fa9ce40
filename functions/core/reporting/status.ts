import {
  type App,
  accountOf,
  type CredentialName,
  type CredentialRecord,
  credentialId,
  credentialsOf,
  isDoubtful,
  liveValue,
  type TokenApi,
} from '../credential.ts';
import type { RecordStore } from '../ports.ts';

/**
 * `failing`: still live, but the last attempt to renew it failed. `suspect`: may be invalid before its end; served for at most a minute
 * at a time. `rejected`: known to be invalid, not served.
 */
export type State = 'live' | 'failing' | 'suspect' | 'rejected' | 'expired' | 'missing';

/** The state of a credential, without its value. Instants are epoch ms, null = none. */
export type CredentialStatus = {
  readonly credential: CredentialName;
  readonly state: State;
  readonly expiresAt: number | null;
  readonly renewedAt: number | null;
  readonly version: number;
  readonly mirroredVersion: number;
  readonly nextAttemptAt: number | null;
  readonly lastError: {
    readonly code: string;
    /** What happened and what to do. */
    readonly message: string;
    readonly at: number;
    /** Failed attempts in a row. */
    readonly count: number;
    /** The address that WeChat refused, if that was its reason. */
    readonly refusedIp?: string;
    /** WeChat's own id of the refused request. */
    readonly rid?: string;
  } | null;
};

export type AppStatus = {
  readonly app: string;
  readonly kind: App['kind'];
  readonly account: string;
  readonly tokenApi?: TokenApi;
  readonly credentials: readonly CredentialStatus[];
};

export type StatusReport = { readonly now: number; readonly apps: readonly AppStatus[] };

/** The state of every credential at `now` (epoch ms), for operators. Reads the table and nothing else. */
export async function statusReport(
  apps: readonly App[],
  store: Pick<RecordStore, 'read'>,
  now: number,
): Promise<StatusReport> {
  const ids = apps.flatMap(credentialsOf).map(({ app, name }) => credentialId(app.name, name));
  const records = await store.read(ids);
  return {
    now,
    apps: apps.map((app) => ({
      app: app.name,
      kind: app.kind,
      account: accountOf(app),
      ...(app.kind !== 'wecom' && { tokenApi: app.tokenApi }),
      credentials: credentialsOf(app).map(({ name }) => ({
        credential: name,
        ...statusOf(records.get(credentialId(app.name, name)), app, now),
      })),
    })),
  };
}

export function stateOf(record: CredentialRecord | undefined, app: App, now: number): State {
  if (!record?.current) return 'missing';
  if (!liveValue(record, app, now)) return record.rejectedAt > 0 ? 'rejected' : 'expired';
  if (isDoubtful(record)) return 'suspect';
  return record.failure ? 'failing' : 'live';
}

function statusOf(record: CredentialRecord | undefined, app: App, now: number) {
  const { current, failure } = record ?? {};
  return {
    state: stateOf(record, app, now),
    expiresAt: current?.expiresAt ?? null,
    renewedAt: current?.renewedAt ?? null,
    version: record?.version ?? 0,
    mirroredVersion: record?.mirroredVersion ?? 0,
    nextAttemptAt: record && record.nextAttemptAt > now ? record.nextAttemptAt : null,
    lastError: failure
      ? {
          code: failure.code,
          message: failure.message,
          at: failure.at,
          count: failure.count,
          ...(failure.refusedIp !== undefined && { refusedIp: failure.refusedIp }),
          ...(failure.rid !== undefined && { rid: failure.rid }),
        }
      : null,
  };
}
