import { createHash } from 'node:crypto';
import type * as z from 'zod';
import type { appSchema } from './app-schema.ts';

/** One account: what owns an access token of its own. */
export type App = DeepReadonly<z.output<typeof appSchema>>;
/** 企业微信: one secret of a corp, with or without an agent. */
export type WecomApp = Extract<App, { kind: 'wecom' }>;
/** 公众号, 服务号, 小程序, 小游戏, 移动应用 …: one AppID with its AppSecret. */
export type WechatApp = Exclude<App, WecomApp>;

export type DeepReadonly<T> = T extends readonly (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

export type TokenApi = WechatApp['tokenApi'];
/** WeChat's own name of a ticket, as in `getticket?type=…`; but `sdk` has the type 2 there. */
export type TicketType = App['tickets'][number];

/** What a reader asks for, and the last part of the record's key and of the parameter's name. */
export const credentialNames = [
  'access-token',
  'jsapi-ticket',
  'wx-card-ticket',
  'agent-config-ticket',
  'sdk-ticket',
] as const;
export type CredentialName = (typeof credentialNames)[number];
export type TicketName = Exclude<CredentialName, 'access-token'>;

/** One app's one credential, e.g. `shop/access-token`. */
export type Credential = { readonly app: App; readonly name: CredentialName };

/** A value that WeChat granted, with all that is known about its lifetime. Instants are epoch milliseconds. */
export type IssuedValue = {
  readonly value: string;
  /** SHA-256 hex of `value`: names it without revealing it. */
  readonly fingerprint: string;
  /** The account it belongs to (`accountOf`), if known: an app that was given another account must not serve the old value. */
  readonly account: string | undefined;
  /** When the refresher requested it: never later than the start of WeChat's own count. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** When it was committed; a forced refresh that was requested before then is satisfied by it. */
  readonly renewedAt: number;
  /** When WeChat last showed that it accepts the value: by granting it, by returning it again, or in a probe. */
  readonly confirmedAt: number;
};

/** The value before the current one, which WeChat accepts for a while longer. */
export type PreviousValue = {
  readonly fingerprint: string;
  /** Epoch ms. */
  readonly validUntil: number;
};

/** `transient` passes by itself; `configuration` waits for operators; `quota`: the day's calls are used up. */
export type FailureKind = 'transient' | 'configuration' | 'quota';

/** Why the last attempts failed. */
export type Failure = {
  /** In a row. */
  readonly count: number;
  readonly kind: FailureKind;
  /** WeChat's errcode, or one of `errorCodes`. */
  readonly code: string;
  /** What happened and what to do; free of secrets. */
  readonly message: string;
  /** Epoch ms. */
  readonly at: number;
  /** What the attempt was made with (account, interface, secret or token): any change skips the backoff. */
  readonly attemptFingerprint: string;
  /** The address that WeChat refused. */
  readonly refusedIp?: string;
  /** WeChat's own id of the refused request. */
  readonly rid?: string;
};

/**
 * One item of the table, the source of truth about one credential. Instants are epoch milliseconds, 0 = none.
 * Attribute by attribute: docs/architecture.md#the-tables-item.
 */
export type CredentialRecord = {
  readonly id: string;
  /** Counts the values; 0 = there was none yet. */
  readonly version: number;
  readonly current?: IssuedValue;
  readonly previous?: PreviousValue;
  readonly mirroredVersion: number;
  /** The newest lease, kept after its release: a new id shows every earlier reader that its snapshot is outdated. */
  readonly leaseId: string;
  /** The lease is held until then; 0 = released. */
  readonly leaseUntil: number;
  /**
   * `current` may be invalid before its time: a call that invalidates it was started and its outcome is unknown. Until
   * WeChat has confirmed or replaced it, it is renewed at each chance.
   */
  readonly validityUnknown: boolean;
  /** Since when `current` is suspected: WeChat rejected it once, or another client rotated it. Probed again, served briefly. */
  readonly suspectedAt: number;
  /** Since when `current` is known to be invalid: WeChat rejected it again and again. Not served. */
  readonly rejectedAt: number;
  readonly nextAttemptAt: number;
  readonly failure?: Failure;
  readonly forcedAt: number;
  /** Forced renewals on the Beijing day of `forcedAt`, because WeChat counts them by that day. */
  readonly forcedToday: number;
  /** When WeChat was last asked for a new value. */
  readonly requestedAt: number;
  /** How many requests on the Beijing day of `requestedAt`, at most: what WeChat's own count of the day is compared with. */
  readonly requestsToday: number;
  /** The newest renewal for another cause than time; how many on that Beijing day. */
  readonly automaticAt: number;
  readonly automaticToday: number;
  /** WeChat's own limit of calls a day, 0 = not known. */
  readonly callsPerDay: number;
  /** When WeChat's count was last read; what it had beyond ours then; and how much of that has been acted upon. */
  readonly countedAt: number;
  readonly excessCalls: number;
  readonly excessCallsHandled: number;
  /** The value before was invalid already, so the next count may have calls from before this value: it is only a baseline. */
  readonly countPending: boolean;
  /** Until then WeChat gives no count for this account, and the cheap probe is used instead. */
  readonly countUnavailableUntil: number;
  /** When the newest probe began. */
  readonly probedAt: number;
  /** Until then the classic interface's calls of the day are used up, and the stable one is used instead. */
  readonly classicQuotaBackAt: number;
  /** When operators were last notified that another client rotated this credential. */
  readonly rotationNotifiedAt: number;
  /** The configuration errors that operators were notified of since `errorNotifiedAt`, by code and address; '' before the first. */
  readonly notifiedErrors: string;
  readonly errorNotifiedAt: number;
};

/** A record that has not been written yet. */
export function blankRecord(id: string): CredentialRecord {
  return {
    id,
    version: 0,
    mirroredVersion: 0,
    leaseId: '',
    leaseUntil: 0,
    validityUnknown: false,
    suspectedAt: 0,
    rejectedAt: 0,
    nextAttemptAt: 0,
    forcedAt: 0,
    forcedToday: 0,
    requestedAt: 0,
    requestsToday: 0,
    automaticAt: 0,
    automaticToday: 0,
    callsPerDay: 0,
    countedAt: 0,
    excessCalls: 0,
    excessCallsHandled: 0,
    countPending: false,
    countUnavailableUntil: 0,
    probedAt: 0,
    classicQuotaBackAt: 0,
    rotationNotifiedAt: 0,
    notifiedErrors: '',
    errorNotifiedAt: 0,
  };
}

/** Key of the record in the table. */
export function credentialId(appName: string, name: CredentialName): string {
  return `${appName}/${name}`;
}

/** An app's credentials in the order in which they depend on each other: a ticket is fetched with the token. */
export function credentialsOf(app: App): Credential[] {
  return [{ app, name: 'access-token' }, ...app.tickets.map((type) => ({ app, name: ticketName(type) }))];
}

const ticketNames = {
  jsapi: 'jsapi-ticket',
  wx_card: 'wx-card-ticket',
  agent_config: 'agent-config-ticket',
  sdk: 'sdk-ticket',
} as const satisfies Record<TicketType, TicketName>;

export function ticketName(type: TicketType): TicketName {
  return ticketNames[type];
}

/** What a value belongs to: an AppID, or an agent of a corp; a secret without an agent goes by the app's name. */
export function accountOf(app: App): string {
  return app.kind === 'wecom' ? `${app.corpId}/${app.agentId ?? app.name}` : app.appId;
}

/** The value that may be served at `now` (epoch ms): of the right account, not past its end and not known to be invalid. */
export function liveValue(
  record: CredentialRecord | undefined,
  app: App,
  now: number,
): IssuedValue | undefined {
  const current = record?.current;
  const valid = current && now < current.expiresAt && record.rejectedAt === 0;
  return valid && belongsTo(current, accountOf(app)) ? current : undefined;
}

/** Whether the value may turn out to be invalid before its end, so that callers should ask again soon. */
export function isDoubtful({ validityUnknown, suspectedAt }: CredentialRecord): boolean {
  return validityUnknown || suspectedAt > 0;
}

export function belongsTo(current: IssuedValue, account: string): boolean {
  return current.account === undefined || current.account === account;
}

/** Whether a token with this fingerprint is the app's: the current one, or the one before while WeChat still accepts it. */
export function acceptsToken(
  record: CredentialRecord | undefined,
  app: App,
  fingerprint: string,
  now: number,
): boolean {
  if (!record?.current || !belongsTo(record.current, accountOf(app))) return false;
  const { current, previous } = record;
  if (current.fingerprint === fingerprint) return now < current.expiresAt && record.rejectedAt === 0;
  return previous?.fingerprint === fingerprint && now < previous.validUntil;
}

/** No lease or wait that we write is longer. */
const LONGEST_WAIT_MS = 15 * 60_000;
const DAY_MS = 86_400_000;

/**
 * The record without instants that no correct clock can have written: a lease or a backoff without an end, or a
 * value from the future, would otherwise keep a credential from ever being renewed.
 *
 * @param now epoch ms
 */
export function discardImplausibleInstants(record: CredentialRecord, now: number): CredentialRecord {
  const plausible = (instant: number, longestMs = LONGEST_WAIT_MS) =>
    instant - now > longestMs ? 0 : instant;
  const { current } = record;
  const fromTheFuture = current !== undefined && plausible(current.issuedAt) === 0 && current.issuedAt > 0;
  return {
    ...record,
    leaseUntil: plausible(record.leaseUntil),
    nextAttemptAt: plausible(record.nextAttemptAt),
    forcedAt: plausible(record.forcedAt),
    probedAt: plausible(record.probedAt),
    suspectedAt: plausible(record.suspectedAt),
    rejectedAt: plausible(record.rejectedAt),
    automaticAt: plausible(record.automaticAt),
    countedAt: plausible(record.countedAt),
    countUnavailableUntil: plausible(record.countUnavailableUntil, DAY_MS),
    classicQuotaBackAt: plausible(record.classicQuotaBackAt, DAY_MS),
    rotationNotifiedAt: plausible(record.rotationNotifiedAt),
    errorNotifiedAt: plausible(record.errorNotifiedAt),
    ...(fromTheFuture && { validityUnknown: true, current: { ...current, renewedAt: 0, confirmedAt: 0 } }),
  };
}

/** SHA-256 hex: names a value without revealing it. */
export function fingerprintOf(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}
