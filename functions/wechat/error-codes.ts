import { type App, accountOf, type FailureKind } from '../core/credential.ts';
import { type RejectedCredential, SourceError } from '../core/errors.ts';
import type { WechatErrorResponse } from './attempt.ts';

/** What an errcode means for a server that fetches credentials, by the official pages, and what to do about it. */
export type ErrorCodeInfo = {
  readonly kind: FailureKind;
  readonly meaning: string;
  readonly remedy: string;
  readonly rejectedCredential?: RejectedCredential;
  readonly refusedIp?: string | undefined;
};

/** The error codes of one of WeChat's platforms. */
export type ErrorCodeTable = {
  readonly byCode: Readonly<Record<number, ErrorCodeInfo>>;
  /** The refusal whose errmsg names the caller's IP, and where operators allow one. */
  readonly ipNotAllowed: { readonly errcode: number; readonly list: string; readonly where: string };
};

export const WAIT = 'Nothing to do: the next tick tries again.';
/** docs/wechat.md#is-a-token-still-valid */
const INVALID_TOKEN_CODES: readonly number[] = [40001, 40014, 42001];

/** What a call was made with, and so what a 40001 is about. */
export type CalledWith = 'secret' | 'access-token';

/**
 * WeChat's refusal, put in words. Decides on `errcode` alone: the wording of `errmsg` varies (docs/wechat.md#transport).
 * Only that of a refused IP is worth reading, for the IP that operators must allow.
 *
 * @param mayHaveRotated an earlier try of the same call may have been carried out, although this one was refused
 */
export function toSourceError(
  { app, calledWith }: { readonly app: App; readonly calledWith: CalledWith },
  response: WechatErrorResponse,
  mayHaveRotated: boolean,
  errorCodes: ErrorCodeTable,
): SourceError {
  const { kind, meaning, remedy, rejectedCredential, refusedIp } = errorCodeInfoOf(
    response,
    calledWith,
    errorCodes,
  );
  return new SourceError(
    `WeChat refused app '${app.name}' (${accountOf(app)}) with ${response.errcode}: ${meaning}. ${remedy}`,
    { code: String(response.errcode), kind, rejectedCredential, mayHaveRotated, refusedIp },
  );
}

function errorCodeInfoOf(
  { errcode, errmsg }: WechatErrorResponse,
  calledWith: CalledWith,
  errorCodes: ErrorCodeTable,
): ErrorCodeInfo {
  if (errcode === errorCodes.ipNotAllowed.errcode) return ipNotAllowed(errmsg, errorCodes.ipNotAllowed);
  if (calledWith === 'access-token' && INVALID_TOKEN_CODES.includes(errcode)) {
    return {
      kind: 'transient',
      meaning: 'the access token is no longer accepted',
      remedy: 'Nothing to do: it is renewed. If this comes again, another client fetches it: find it.',
      rejectedCredential: 'access-token',
    };
  }
  return (
    errorCodes.byCode[errcode] ?? {
      kind: 'transient',
      meaning: 'an errcode this version does not know',
      remedy: WAIT,
    }
  );
}

/** `invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist`, `not allow to access from your ip, …, from ip: 203.0.113.7, …` */
function ipNotAllowed(errmsg: string, { list, where }: ErrorCodeTable['ipNotAllowed']): ErrorCodeInfo {
  const ip =
    /\b(\d{1,3}(?:\.\d{1,3}){3})\b/.exec(errmsg)?.[1] ??
    /ip(?:v6)?:? ([0-9a-f]*:[0-9a-f:]+)/i.exec(errmsg)?.[1];
  return {
    kind: 'configuration',
    meaning: `${ip ? `the IP ${ip}` : 'our IP'} is not on ${list}`,
    remedy: `Add ${ip ?? 'it'} on ${where}.`,
    refusedIp: ip,
  };
}
