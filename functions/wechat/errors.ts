import type { FailureKind } from '../core/credential.ts';
import { type Refused, SourceError } from '../core/errors.ts';
import type { Refusal } from './attempt.ts';

/** What an errcode means for a server that fetches credentials: the official pages' words, and the way out. */
type Meaning = {
  readonly kind: FailureKind;
  readonly meaning: string;
  readonly cure: string;
  readonly refused?: Refused;
};

const CHECK_SECRET =
  'Compare the AppSecret with mp.weixin.qq.com (Settings & Development > Basic configuration) and write the right one.';
const WAIT = 'Nothing to do: the next tick tries again.';
const REPORT_TOKEN =
  "Somebody else fetches this account's token, perhaps; report it ('rejected') or force a refresh, and find them.";

/** https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html */
const meanings: Readonly<Record<number, Meaning>> = {
  [-1]: { kind: 'transient', meaning: 'WeChat is busy', cure: WAIT },
  40001: { kind: 'configuration', meaning: 'the AppSecret is wrong', cure: CHECK_SECRET, refused: 'secret' },
  40002: { kind: 'configuration', meaning: 'the grant_type is not accepted', cure: 'Report this as a bug.' },
  40013: {
    kind: 'configuration',
    meaning: 'WeChat does not know this AppID',
    cure: 'Correct appId in the configuration (it starts with wx) and deploy.',
  },
  40125: {
    kind: 'configuration',
    meaning: 'the AppSecret is invalid',
    cure: CHECK_SECRET,
    refused: 'secret',
  },
  40243: {
    kind: 'configuration',
    meaning: 'the AppSecret is frozen',
    cure: 'Unfreeze or reset it on mp.weixin.qq.com (Basic configuration), then write the new one.',
    refused: 'secret',
  },
  41002: { kind: 'configuration', meaning: 'the AppID is missing', cure: 'Set appId in the configuration.' },
  41004: {
    kind: 'configuration',
    meaning: 'the AppSecret is missing',
    cure: CHECK_SECRET,
    refused: 'secret',
  },
  45009: {
    kind: 'quota',
    meaning: "the day's calls are used up",
    cure: 'Find the other program that fetches this token and stop it; the quota is back at midnight, Beijing time.',
  },
  45011: { kind: 'quota', meaning: 'too many calls in a minute', cure: WAIT },
  48001: {
    kind: 'configuration',
    meaning: 'the account may not use this interface',
    cure: 'Verify the account, or remove the ticket from the configuration.',
  },
  50004: {
    kind: 'configuration',
    meaning: 'the token interface is forbidden for this account',
    cure: 'Ask WeChat support why.',
  },
  50007: {
    kind: 'configuration',
    meaning: 'the account is frozen',
    cure: 'Unfreeze it on mp.weixin.qq.com.',
  },
  89501: {
    kind: 'configuration',
    meaning: 'this IP waits for the administrator',
    cure: 'The administrator confirms the message that WeChat sent.',
  },
  89503: {
    kind: 'configuration',
    meaning: "this IP needs the administrator's confirmation",
    cure: 'The administrator confirms the message that WeChat sent.',
  },
  89506: {
    kind: 'configuration',
    meaning: 'the administrator refused this IP twice; WeChat blocks it for 24 hours',
    cure: 'Agree with the administrator, then wait for the block to end.',
  },
  89507: {
    kind: 'configuration',
    meaning: 'the administrator refused this IP; WeChat blocks it for an hour',
    cure: 'Agree with the administrator, then wait for the block to end.',
  },
};

const DEAD_TOKEN_CODES: readonly number[] = [40001, 40014, 42001];

/** What a call was made with, and so what a 40001 is about. */
export type CalledWith = 'secret' | 'access-token';

/**
 * WeChat's refusal, put in words. Decides on `errcode` alone: the wording of `errmsg` varies (WECHAT.md, Transport).
 * Only 40164 is worth reading, for the IP that ops must allow.
 *
 * @param mayHaveRotated an earlier try of the same call may have been carried out, although this one was refused
 */
export function wechatError(
  app: { name: string; appId: string },
  { errcode, errmsg }: Refusal,
  calledWith: CalledWith,
  mayHaveRotated: boolean,
): SourceError {
  const { kind, meaning, cure, refused } = meaningOf(errcode, errmsg, calledWith);
  return new SourceError(
    `WeChat refused app '${app.name}' (${app.appId}) with ${errcode}: ${meaning}. ${cure}`,
    {
      code: String(errcode),
      kind,
      refused,
      mayHaveRotated,
    },
  );
}

function meaningOf(errcode: number, errmsg: string, calledWith: CalledWith): Meaning {
  if (errcode === 40164) return ipNotAllowed(errmsg);
  if (calledWith === 'access-token' && DEAD_TOKEN_CODES.includes(errcode)) {
    return {
      kind: 'transient',
      meaning: 'the access token is no longer accepted',
      cure: REPORT_TOKEN,
    };
  }
  return (
    meanings[errcode] ?? { kind: 'transient', meaning: 'an errcode this version does not know', cure: WAIT }
  );
}

/** `invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: …` */
function ipNotAllowed(errmsg: string): Meaning {
  const ip = /\b(\d{1,3}(?:\.\d{1,3}){3})\b/.exec(errmsg)?.[1] ?? /ipv6 ([0-9a-f:]+)/i.exec(errmsg)?.[1];
  const which = ip ? `the IP ${ip}` : 'our IP';
  return {
    kind: 'configuration',
    meaning: `${which} is not on the account's IP allow-list`,
    cure: `Add ${ip ?? 'it'} on mp.weixin.qq.com: Settings & Development > Basic configuration > IP allow-list (IP白名单).`,
  };
}
