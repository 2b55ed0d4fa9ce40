import type {
  App,
  Credential,
  CredentialName,
  CredentialRecord,
  TicketName,
  TokenApi,
  WechatApp,
  WecomApp,
} from './credential.ts';
import type { Schedule } from './rules/timing.ts';

/** The table. The only shared state, and so the only place where refreshers meet. */
export type RecordStore = {
  /** The records that exist, read consistently, by id. */
  read(ids: readonly string[]): Promise<ReadonlyMap<string, CredentialRecord>>;
  /**
   * Writes `next` if the stored record still is `seen` (same lease id, same version; `undefined`: still absent).
   * False: another refresher wrote in between. A write that landed although its answer was lost counts as written.
   */
  swap(seen: CredentialRecord | undefined, next: CredentialRecord): Promise<boolean>;
};

/** Where apps read: the raw value under the credential's name. Written under the lease only. */
export type Mirror = { write(credential: Credential, value: string): Promise<void> };

export type Secret = {
  readonly value: string;
  /** Changes whenever operators change it; safe to store. */
  readonly revision: string;
};

/** AppSecrets. Throws `SourceError`. */
export type SecretStore = {
  /** The AppSecret, possibly from a cache; `undefined` when operators have not written it. */
  read(app: App): Promise<Secret | undefined>;
  /** The same, past any cache. */
  reread(app: App): Promise<Secret | undefined>;
  /** A sentence that says where operators put it. */
  whereToPut(app: App): string;
};

export type TokenRequest =
  | (SecretRequest<WechatApp> & { readonly tokenApi: TokenApi; readonly force: boolean })
  | SecretRequest<WecomApp>;
type SecretRequest<A extends App> = {
  readonly app: A;
  readonly name: 'access-token';
  readonly secret: string;
};

export type TicketRequest = { readonly app: App; readonly name: TicketName; readonly accessToken: string };

/** What WeChat granted: the value, and the seconds that are left as its answer says. */
export type Grant = {
  readonly value: string;
  readonly expiresInSeconds: number;
  /** How many requests it took, as WeChat may have counted them; at least 1. */
  readonly upstreamCalls: number;
};

/** Whether WeChat accepts a token, and its own count of the day if it gives one for this account. */
export type TokenCount =
  | { readonly accepted: false }
  | {
      readonly accepted: true;
      /** `undefined`: WeChat gives no count for this account, or none any more on this day. */
      readonly calls: DailyCalls | undefined;
      /** The count could not be read this time. */
      readonly countFailed?: true;
    };

/** A grant, and when the classic quota is back if it turned out to be spent (epoch ms). */
export type Fetched = Grant & { readonly classicQuotaBackAt?: number };

/** WeChat. Throws `SourceError`. */
export type CredentialSource = {
  fetch(request: TokenRequest | TicketRequest): Promise<Grant>;
  /** Whether WeChat accepts the token, by a cheap call that changes nothing: docs/wechat.md#is-a-token-still-valid. */
  accepts(app: App, accessToken: string): Promise<boolean>;
  /** The same by `openapi/quota/get`, which also counts every client's calls of `/cgi-bin/token` on this day. */
  countCalls(app: WechatApp, accessToken: string): Promise<TokenCount>;
};

/** One of WeChat's hosts, as the refresher reaches it. */
export type HostReach = {
  readonly host: string;
  readonly reachable: boolean;
  readonly latencyMs: number | null;
  /** Our clock minus WeChat's; null when it is not known. */
  readonly clockSkewMs: number | null;
  readonly problem: string | null;
};

/** WeChat's own count of an interface's calls on this Beijing day. */
export type DailyCalls = { readonly used: number; readonly limit: number };

/** What WeChat still knows about a request, by its `rid`. */
export type RefusedRequest = {
  /** The address that it came from. */
  readonly clientIp: string;
  /** When it came, epoch ms to the second; null when WeChat does not say. */
  readonly at: number | null;
  /** How long WeChat took; null when it does not say. */
  readonly costMs: number | null;
};

/** What operators want to know about WeChat, and the one thing that they can change there. */
export type Diagnostics = {
  /** Never throws: a host that cannot be reached is an answer. */
  reach(app: App): Promise<{ readonly throughProxy: boolean; readonly hosts: readonly HostReach[] }>;
  /** Calls of the app's token interface by all clients. Throws `SourceError`. */
  tokenCalls(app: WechatApp, accessToken: string): Promise<DailyCalls>;
  /** A request of the same account in the last seven days. Throws `SourceError`. */
  explain(app: WechatApp, accessToken: string, rid: string): Promise<RefusedRequest>;
  /** Sets the day's calls of every interface back to 0; WeChat allows it ten times a month. Throws `SourceError`. */
  clearQuota(app: WechatApp, secret: string): Promise<void>;
};

/** Something that operators should know although nothing has failed for readers. Free of secrets and tokens. */
export type Notice = {
  readonly kind:
    | 'unexpected-rotation'
    | 'rotation-budget-spent'
    | 'classic-quota-spent'
    | 'configuration-error';
  readonly app: string;
  readonly credential: CredentialName;
  /** What happened and what to do. */
  readonly message: string;
  /** False: only count it, because operators were notified of the same thing lately. */
  readonly notify: boolean;
};

/** What cannot be delivered must not hold up a renewal: implementations do not throw. */
export type Notices = { send(notice: Notice): Promise<void> };

export type Clock = {
  /** Epoch milliseconds. */
  now(): number;
  sleepUntil(instantMs: number): Promise<void>;
};

export type Randomness = {
  /** In [0, 1). */
  fraction(): number;
  /** Globally unique: a lease is known by it. */
  id(): string;
};

export type Ports = {
  readonly store: RecordStore;
  readonly mirror: Mirror;
  readonly secrets: SecretStore;
  readonly source: CredentialSource;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly randomness: Randomness;
};

/** What one run of the use case shares among its credentials. */
export type Run = Schedule & {
  /** The one `now` of the run, epoch ms. */
  readonly now: number;
  readonly ports: Ports;
  /** Bounds the attempts under way at once. */
  readonly limit: <T>(task: () => Promise<T>) => Promise<T>;
};
