import type * as z from 'zod';
import type { appSchema } from './app-schema.ts';

/** One account: what owns an access token of its own. */
export type App = DeepReadonly<z.output<typeof appSchema>>;
/** 企业微信: one secret of a corp. */
export type WecomApp = Extract<App, { kind: 'wecom' }>;
/** 公众号, 服务号, 小程序, 小游戏: one AppID with its AppSecret. */
export type WechatApp = Exclude<App, WecomApp>;

export type DeepReadonly<T> = T extends readonly (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

export type TokenApi = WechatApp['tokenApi'];
/** WeChat's own name of a ticket, as in `getticket?type=…`. */
export type TicketType = App['tickets'][number];

/** What a reader asks for, and the last part of the record's key and of the parameter's name. */
export const credentialNames = [
  'access-token',
  'jsapi-ticket',
  'wx-card-ticket',
  'agent-config-ticket',
] as const;
export type CredentialName = (typeof credentialNames)[number];
export type TicketName = Exclude<CredentialName, 'access-token'>;

/** One app's one credential, e.g. `shop/access-token`. */
export type Credential = { readonly app: App; readonly name: CredentialName };

/** A value that WeChat granted, with all that is known of its life. Instants are epoch milliseconds. */
export type IssuedValue = {
  readonly value: string;
  /** SHA-256 hex of `value`: names it without revealing it. */
  readonly fingerprint: string;
  /** The account it belongs to, if known (`accountOf`): an app that ops gave another one must not serve the old one's value. */
  readonly account: string | undefined;
  /** When the refresher asked for it: never later than WeChat's own clock start. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** When it was committed; a forced refresh that was asked for before then is satisfied by it. */
  readonly renewedAt: number;
  /** When WeChat last let us know that it is good: by granting it, by returning it again, or in a probe. */
  readonly confirmedAt: number;
};

/** The value before the current one, which WeChat goes on accepting for a while. */
export type PreviousValue = {
  readonly fingerprint: string;
  /** Epoch ms. */
  readonly validUntil: number;
};

/** `transient` passes by itself; `configuration` waits for ops; `quota` is the day's calls used up. */
export type FailureKind = 'transient' | 'configuration' | 'quota';

/** Why the last attempts failed, and when the next one is allowed. */
export type Failure = {
  readonly count: number;
  readonly kind: FailureKind;
  readonly code: string;
  /** What happened and what to do; free of secrets. */
  readonly message: string;
  readonly at: number;
  /** What the attempt was made with (account, API, secret revision): a change by ops skips the backoff. */
  readonly inputs: string;
};

/** The truth about one credential: what the table holds under `id`. Instants are epoch milliseconds, 0 = none. */
export type CredentialRecord = {
  readonly id: string;
  /** Counts the values; 0 = there was none yet. */
  readonly version: number;
  readonly current?: IssuedValue;
  readonly previous?: PreviousValue;
  readonly mirroredVersion: number;
  /** The newest lease, kept after its release: a new id tells every earlier reader that its picture is old. */
  readonly leaseId: string;
  /** The lease is held until then; 0 = released. */
  readonly leaseUntil: number;
  /**
   * `current` may be dead or about to die, although its time is not over: a call that kills it was started and nobody
   * knows its outcome, or an app reported it. Until WeChat has confirmed or replaced it, it is renewed at each chance.
   */
  readonly validityUnknown: boolean;
  readonly nextAttemptAt: number;
  readonly failure?: Failure;
  readonly forcedAt: number;
  /** Forced renewals on the Beijing day of `forcedAt`, because WeChat counts them by that day. */
  readonly forcedToday: number;
  /** When WeChat was last asked for a new value. */
  readonly askedAt: number;
  /** So often on the Beijing day of `askedAt`: what WeChat's own count of the day is compared with. */
  readonly requestsToday: number;
  /** When the newest probe began. */
  readonly probedAt: number;
  /** Until then the classic interface's calls of the day are used up, and the stable one stands in. */
  readonly classicQuotaBackAt: number;
  /** When ops were last told that somebody else rotated this credential. */
  readonly rotationNotifiedAt: number;
  /** The code of the mistake in the configuration that ops were last told of, '' before the first; and when. */
  readonly notifiedErrorCode: string;
  readonly errorNotifiedAt: number;
};

/** A record nobody has written yet. */
export function blankRecord(id: string): CredentialRecord {
  return {
    id,
    version: 0,
    mirroredVersion: 0,
    leaseId: '',
    leaseUntil: 0,
    validityUnknown: false,
    nextAttemptAt: 0,
    forcedAt: 0,
    forcedToday: 0,
    askedAt: 0,
    requestsToday: 0,
    probedAt: 0,
    classicQuotaBackAt: 0,
    rotationNotifiedAt: 0,
    notifiedErrorCode: '',
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
} as const satisfies Record<TicketType, TicketName>;

export function ticketName(type: TicketType): TicketName {
  return ticketNames[type];
}

/** What a value belongs to: an AppID, or an agent of a corp. */
export function accountOf(app: App): string {
  return app.kind === 'wecom' ? `${app.corpId}/${app.agentId}` : app.appId;
}

/** The value that may be served at `now`: of the right account and not past its end. */
export function liveValue(
  record: CredentialRecord | undefined,
  app: App,
  now: number,
): IssuedValue | undefined {
  const current = record?.current;
  return current && belongsTo(current, accountOf(app)) && now < current.expiresAt ? current : undefined;
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
  if (current.fingerprint === fingerprint) return now < current.expiresAt;
  return previous?.fingerprint === fingerprint && now < previous.validUntil;
}
