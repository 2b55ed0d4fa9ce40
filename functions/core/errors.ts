import type { FailureKind } from './credential.ts';

/** Which credential WeChat rejected: a cached secret is read again, a rejected access token is renewed. */
export type RejectedCredential = 'secret' | 'access-token';

/** Codes of our own; WeChat's are numbers (docs/wechat.md#error-codes). */
export const errorCodes = {
  /** Operators have not written the AppSecret. */
  missingSecret: 'missing-secret',
  secretUnreadable: 'secret-unreadable',
  proxyUnreadable: 'proxy-unreadable',
  proxyMisconfigured: 'proxy-misconfigured',
  /** A ticket is fetched with the access token, and there is no valid one. */
  noAccessToken: 'no-access-token',
  /** The refresher held on past its lease, and another one took over. */
  leaseLost: 'lease-lost',
  storeUnreachable: 'store-unreachable',
  mirrorUnreachable: 'mirror-unreachable',
  /** An answer of which asking again cannot make a better one. */
  badAnswer: 'bad-answer',
  /** WeChat rejected the token in every attempt of a probe. */
  rejectedToken: 'rejected-token',
  unexpected: 'unexpected',
} as const;

type Details = {
  readonly code: string;
  readonly kind: FailureKind;
  readonly rejectedCredential?: RejectedCredential | undefined;
  readonly mayHaveRotated?: boolean;
  readonly reachedWechat?: boolean;
  readonly refusedIp?: string | undefined;
  readonly upstreamCalls?: number;
  readonly isUnknownCode?: boolean;
  readonly needsNewToken?: boolean;
  readonly rid?: string | undefined;
  readonly cause?: unknown;
};

/**
 * Why a credential could not be fetched, in terms that the rules need. The message says what happened and what to
 * do, and never holds a secret or a token.
 */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly code: string;
  readonly kind: FailureKind;
  readonly rejectedCredential: RejectedCredential | undefined;
  /** WeChat may have carried the call out although no answer came. */
  readonly mayHaveRotated: boolean;
  /** False: the attempt failed before anything was sent, so WeChat counted no call. */
  readonly reachedWechat: boolean;
  /** The address that WeChat refused, if that was its reason. */
  readonly refusedIp: string | undefined;
  /** How many requests WeChat may have counted; 0 if none reached it. */
  readonly upstreamCalls: number;
  /**
   * This version does not understand WeChat's answer: an errcode that no table knows, or no errcode and not what was asked for.
   * Several in a row make a configuration error of it.
   */
  readonly isUnknownCode: boolean;
  /** Only a renewed access token helps, although WeChat accepts this one in other calls (users). */
  readonly needsNewToken: boolean;
  /** WeChat's own id of the refused request, for `openapi/rid/get`. */
  readonly rid: string | undefined;

  constructor(message: string, details: Details) {
    super(message, { cause: details.cause });
    this.code = details.code;
    this.kind = details.kind;
    this.rejectedCredential = details.rejectedCredential;
    this.mayHaveRotated = details.mayHaveRotated ?? false;
    this.reachedWechat = details.reachedWechat ?? true;
    this.refusedIp = details.refusedIp;
    this.upstreamCalls = details.upstreamCalls ?? (this.reachedWechat ? 1 : 0);
    this.isUnknownCode = details.isUnknownCode ?? false;
    this.needsNewToken = details.needsNewToken ?? false;
    this.rid = details.rid;
  }
}

/** Only the name or code of something unknown: a foreign message may quote the values it was given. */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
