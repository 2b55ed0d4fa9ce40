/** What WeChat calls an app: one AppID with its AppSecret. */
export type App = {
  /** Unique in a deployment; part of every name that readers use. */
  readonly name: string;
  readonly kind: AppKind;
  readonly appId: string;
  /** `classic`: `/cgi-bin/token`, every call rotates. `stable`: `/cgi-bin/stable_token`, the same value until near its end. */
  readonly tokenApi: TokenApi;
  readonly tickets: readonly TicketType[];
};

export type AppKind = 'official-account' | 'mini-program' | 'mini-game';
export type TokenApi = 'classic' | 'stable';
/** WeChat's own name of a ticket, as in `getticket?type=…`. */
export type TicketType = 'jsapi';

/** What a reader asks for, and the last part of the record's key and of the parameter's name. */
export const credentialNames = ['access-token', 'jsapi-ticket'] as const;
export type CredentialName = (typeof credentialNames)[number];

/** One app's one credential, e.g. `shop/access-token`. */
export type Credential = { readonly app: App; readonly name: CredentialName };

/** Everything that `cdk synth` decides and the functions must know; travels as a file in their asset. */
export type Deployment = {
  readonly apps: readonly App[];
  /** Root of every SSM parameter, e.g. `/wechat`. */
  readonly parameterPrefix: string;
  readonly refreshAfterMinutes: number;
  readonly tickMinutes: number;
  readonly probeMinutes: number;
  /** How long the read URL may serve from memory. */
  readonly cacheSeconds: number;
};

/** A value that WeChat granted, with all that is known of its life. Instants are epoch milliseconds. */
export type IssuedValue = {
  readonly value: string;
  /** SHA-256 hex of `value`: names it without revealing it. */
  readonly fingerprint: string;
  /** The account it belongs to, if known: an app whose `appId` ops changed must not serve the old account's value. */
  readonly appId: string | undefined;
  /** When the refresher asked for it: never later than WeChat's own clock start. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** When it was committed; a forced refresh that was asked for before then is satisfied by it. */
  readonly renewedAt: number;
};

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
  readonly mirroredVersion: number;
  /** The newest lease, kept after its release: a new id tells every earlier reader that its picture is old. */
  readonly leaseId: string;
  /** The lease is held until then; 0 = released. */
  readonly leaseUntil: number;
  /**
   * `current` may be dead or about to die, although its time is not over: a call that kills it was started and nobody
   * knows its outcome, or an app reported it. Until WeChat has confirmed or replaced it, it is renewed at each chance.
   */
  readonly valueInDoubt: boolean;
  readonly nextAttemptAt: number;
  readonly failure?: Failure;
  readonly forcedAt: number;
  /** Forced renewals on the Beijing day of `forcedAt`, because WeChat counts them by that day. */
  readonly forcedToday: number;
};

/** A record nobody has written yet. */
export function blankRecord(id: string): CredentialRecord {
  return {
    id,
    version: 0,
    mirroredVersion: 0,
    leaseId: '',
    leaseUntil: 0,
    valueInDoubt: false,
    nextAttemptAt: 0,
    forcedAt: 0,
    forcedToday: 0,
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

function ticketName(type: TicketType): CredentialName {
  return `${type}-ticket`;
}

/** The value that may be served at `now`: of the right account and not past its end. */
export function liveValue(
  record: CredentialRecord | undefined,
  app: App,
  now: number,
): IssuedValue | undefined {
  const current = record?.current;
  return current && belongsTo(current, app.appId) && now < current.expiresAt ? current : undefined;
}

export function belongsTo(current: IssuedValue, appId: string): boolean {
  return current.appId === undefined || current.appId === appId;
}
