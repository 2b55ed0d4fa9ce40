import { type App, accountOf, type FailureKind } from '../core/credential.ts';
import { type Refused, SourceError } from '../core/errors.ts';
import type { Refusal } from './attempt.ts';

/** What an errcode means for a server that fetches credentials: the official pages' words, and the way out. */
export type Meaning = {
  readonly kind: FailureKind;
  readonly meaning: string;
  readonly cure: string;
  readonly refused?: Refused;
};

/** The refusals of one of WeChat's platforms. */
export type ErrorCodeTable = {
  readonly byCode: Readonly<Record<number, Meaning>>;
  /** The refusal whose errmsg names the caller's IP, and where ops allow one. */
  readonly ipNotAllowed: { readonly errcode: number; readonly list: string; readonly where: string };
};

export const WAIT = 'Nothing to do: the next tick tries again.';
const DEAD_TOKEN_CODES: readonly number[] = [40001, 40014, 42001];

/** What a call was made with, and so what a 40001 is about. */
export type CalledWith = 'secret' | 'access-token';

/**
 * WeChat's refusal, put in words. Decides on `errcode` alone: the wording of `errmsg` varies (WECHAT.md, Transport).
 * Only that of a refused IP is worth reading, for the IP that ops must allow.
 *
 * @param mayHaveRotated an earlier try of the same call may have been carried out, although this one was refused
 */
export function toSourceError(
  app: App,
  refusal: Refusal,
  calledWith: CalledWith,
  mayHaveRotated: boolean,
  errorCodes: ErrorCodeTable,
): SourceError {
  const { kind, meaning, cure, refused } = errorCodeInfoOf(refusal, calledWith, errorCodes);
  return new SourceError(
    `WeChat refused app '${app.name}' (${accountOf(app)}) with ${refusal.errcode}: ${meaning}. ${cure}`,
    { code: String(refusal.errcode), kind, refused, mayHaveRotated },
  );
}

function errorCodeInfoOf(
  { errcode, errmsg }: Refusal,
  calledWith: CalledWith,
  errorCodes: ErrorCodeTable,
): Meaning {
  if (errcode === errorCodes.ipNotAllowed.errcode) return ipNotAllowed(errmsg, errorCodes.ipNotAllowed);
  if (calledWith === 'access-token' && DEAD_TOKEN_CODES.includes(errcode)) {
    return {
      kind: 'transient',
      meaning: 'the access token is no longer accepted',
      cure: 'Nothing to do: it is renewed. If this comes again, somebody else fetches it: find them.',
      refused: 'access-token',
    };
  }
  return (
    errorCodes.byCode[errcode] ?? {
      kind: 'transient',
      meaning: 'an errcode this version does not know',
      cure: WAIT,
    }
  );
}

/** `invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist`, `not allow to access from your ip, …, from ip: 203.0.113.7, …` */
function ipNotAllowed(errmsg: string, { list, where }: ErrorCodeTable['ipNotAllowed']): Meaning {
  const ip =
    /\b(\d{1,3}(?:\.\d{1,3}){3})\b/.exec(errmsg)?.[1] ??
    /ip(?:v6)?:? ([0-9a-f]*:[0-9a-f:]+)/i.exec(errmsg)?.[1];
  return {
    kind: 'configuration',
    meaning: `${ip ? `the IP ${ip}` : 'our IP'} is not on ${list}`,
    cure: `Add ${ip ?? 'it'} on ${where}.`,
  };
}
