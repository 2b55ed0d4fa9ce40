import { isIP } from 'node:net';
import { type App, accountOf, type FailureKind, type WechatApp } from '../core/credential.ts';
import { errorCodes, SourceError } from '../core/errors.ts';
import type { WechatErrorResponse } from './answers.ts';
import type { WechatRequest } from './attempt.ts';

/** What an errcode means for a server that fetches credentials, and what to do about it: docs/wechat.md#error-codes. */
export type ErrorCodeInfo = {
  /** `credential`: the access token that the call was made with is not accepted. */
  readonly kind: FailureKind | 'credential';
  readonly meaning: string | ((context: ErrorContext) => string);
  readonly remedy: string | ((context: ErrorContext) => string);
  /** The official page that has it, or `users`: met by users, and on no page. */
  readonly source: string;
  /** The secret itself is refused, so one that operators have just replaced is worth reading again. */
  readonly rejectsSecret?: true;
  /** `errmsg` names the caller's IP. */
  readonly namesIp?: true;
  /** Only a renewed access token helps, although WeChat accepts this one in other calls. */
  readonly needsNewToken?: true;
};

/** The error codes of one of WeChat's platforms. */
export type ErrorCodeTable = {
  readonly byCode: Readonly<Record<number, ErrorCodeInfo>>;
  /** What a code means instead when the call was made with an access token. */
  readonly ofTokenCalls: Readonly<Record<number, ErrorCodeInfo>>;
  /** WeChat's own list. */
  readonly list: string;
};

/** What a call was made with, and so what a 40001 is about. */
export type CalledWith = 'secret' | 'access-token';

type Call = Pick<WechatRequest, 'query' | 'json'> & { readonly app: App; readonly calledWith: CalledWith };

/** An attempt's history, for the rules: earlier requests of the same call may have been carried out. */
type Facts = { readonly mayHaveRotated: boolean; readonly upstreamCalls: number };

export const WAIT = 'Nothing to do: the next tick tries again.';

/** What an entry's words depend on besides the code. */
export type ErrorContext = Console & {
  /** The caller's, if `errmsg` names it. */
  readonly ip: string | undefined;
};

/** Where operators find what an error is about, by the app's kind (docs/wechat.md#ip-lists). */
type Console = {
  readonly name: string;
  /** The page with the secret. */
  readonly secret: string;
  /** What the list of allowed IPs is called, and where it is. */
  readonly ipList: { readonly name: string; readonly page: string };
};

function consoleOf(app: App): Console {
  if (app.kind === 'wecom') {
    const name = 'work.weixin.qq.com';
    // A secret without an agent has a page of its own, such as 通讯录同步.
    const secret = `${name} (${app.agentId === undefined ? 'the page of this secret' : '应用管理 > the app'})`;
    return { name, secret, ipList: { name: "the app's list of trusted IPs", page: `${secret}: 企业可信IP` } };
  }
  const { name, secret } = officialConsoles[app.kind];
  return { name, secret, ipList: { name: "the account's IP allow-list", page: `${secret}: IP白名单` } };
}

const miniProgramConsole = { name: 'mp.weixin.qq.com', secret: 'mp.weixin.qq.com (开发管理 > 开发设置)' };
const officialConsoles: Readonly<Record<WechatApp['kind'], Pick<Console, 'name' | 'secret'>>> = {
  'official-account': {
    name: 'mp.weixin.qq.com',
    secret: 'developers.weixin.qq.com/platform (我的业务 > 公众号/服务号 > 基础信息 > 开发信息)',
  },
  'mini-program': miniProgramConsole,
  'mini-game': miniProgramConsole,
  'open-app': { name: 'open.weixin.qq.com', secret: 'open.weixin.qq.com (管理中心 > the app)' },
};

/**
 * WeChat's refusal, put in words. Decides on `errcode` alone: the wording of `errmsg` varies (docs/wechat.md#transport). It is
 * quoted, without anything that may be a secret, and read for the caller's IP and the request's id only.
 */
export function toSourceError(
  call: Call,
  { errcode, errmsg }: WechatErrorResponse,
  facts: Facts,
  { byCode, ofTokenCalls, list }: ErrorCodeTable,
): SourceError {
  const { app, calledWith } = call;
  const ofTokens = calledWith === 'access-token';
  const info = (ofTokens ? ofTokenCalls[errcode] : undefined) ?? byCode[errcode];
  const refusedIp = info?.namesIp ? ipIn(errmsg) : undefined;
  const words = quotable(errmsg, secretsOf(call));
  const quote = words && ` WeChat's words: "${words}".`;
  const isCredential = info?.kind === 'credential';
  const advice = info
    ? adviceOf(info, { ...consoleOf(app), ip: refusedIp })
    : `an errcode that this version does not know. The next tick tries again; look the code up at ${list}.`;
  return new SourceError(
    `WeChat refused app '${app.name}' (${accountOf(app)}) with ${errcode}: ${advice}${quote}`,
    {
      ...facts,
      code: String(errcode),
      kind: info && info.kind !== 'credential' ? info.kind : 'transient',
      rejectedCredential:
        isCredential && ofTokens ? 'access-token' : info?.rejectsSecret && !ofTokens ? 'secret' : undefined,
      refusedIp,
      isUnknownCode: info === undefined,
      needsNewToken: info?.needsNewToken ?? false,
      rid: RID.exec(errmsg)?.[1],
    },
  );
}

function adviceOf({ meaning, remedy }: ErrorCodeInfo, context: ErrorContext): string {
  const inContext = (words: typeof meaning) => (typeof words === 'string' ? words : words(context));
  return `${inContext(meaning)}. ${inContext(remedy)}`;
}

/** Each platform, and each edition of its pages, has a code of its own for it. */
export function ipNotAllowed(source: string): ErrorCodeInfo {
  return {
    kind: 'configuration',
    meaning: ({ ip, ipList }) => `${ip ? `the IP ${ip}` : 'our IP'} is not on ${ipList.name}`,
    remedy: ({ ip, ipList }) => `Add ${ip ?? 'it'} on ${ipList.page}.`,
    source,
    namesIp: true,
  };
}

/** An answer of which asking again cannot make a better one; it may have come after the call was carried out. */
export function unusableAnswer(app: App, problem: string, upstreamCalls: number): SourceError {
  return new SourceError(
    `WeChat's answer to app '${app.name}' is of no use: ${problem}. The next tick tries again; if it stays, check that the ` +
      'hosts and the proxy lead to WeChat.',
    {
      code: errorCodes.badAnswer,
      kind: 'transient',
      mayHaveRotated: true,
      upstreamCalls,
      isUnknownCode: true,
    },
  );
}

/** Whether WeChat has answered, with a refusal or with nothing of use: no fault of the network, and none that passes by itself. */
export function isRefusal(error: unknown): error is SourceError {
  return (
    error instanceof SourceError &&
    (error.code === errorCodes.badAnswer || (error.code !== '-1' && /^-?\d+$/.test(error.code)))
  );
}

/** `invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist`, `not allow to access from your ip, …, from ip: 203.0.113.7, …` */
function ipIn(errmsg: string): string | undefined {
  const candidates = [
    /\b(\d{1,3}(?:\.\d{1,3}){3})\b/.exec(errmsg)?.[1],
    /ip(?:v6)?:? ([0-9a-f]*:[0-9a-f:]+)/i.exec(errmsg)?.[1],
  ];
  return candidates.find((candidate) => candidate !== undefined && isIP(candidate) !== 0);
}

/** At the end of `errmsg`, after a separator that varies: docs/wechat.md#transport. */
const RID = /\brid:?\s*([0-9a-f]{1,16}(?:-[0-9a-f]{1,16}){2})\b/i;
/** WeCom's own, which no interface explains. */
const WECOM_HINT = /,? ?hint: \[\d+\]/;
const MAX_QUOTE_CHARACTERS = 200;
/** Shorter than any of WeChat's secrets and tokens. */
const LOOKS_SECRET = /[\w-]{20,}/g;

/** WeChat's words on one bounded line: without the request's id, which differs each time, and without what may be a secret. */
function quotable(errmsg: string, secrets: readonly string[]): string {
  const shown = secrets
    .reduce((text, secret) => text.replaceAll(secret, '…'), errmsg)
    .replace(RID, '')
    .replace(WECOM_HINT, '')
    .replace(LOOKS_SECRET, '…')
    .replace(/[\s\p{C}"]+/gu, ' ')
    .replace(/[\s,;.]+$/, '')
    .trim();
  const characters = [...shown];
  return characters.length > MAX_QUOTE_CHARACTERS
    ? `${characters.slice(0, MAX_QUOTE_CHARACTERS).join('')}…`
    : shown;
}

const SECRET_FIELDS = ['secret', 'corpsecret', 'appsecret', 'access_token'];

/** The call's own secret or token, as it was sent and as a URL writes it; the longest first. */
function secretsOf({ query, json }: Call): readonly string[] {
  const sent = SECRET_FIELDS.flatMap((field) => [query?.[field], json?.[field]]);
  return sent
    .filter((value): value is string => typeof value === 'string' && value !== '')
    .flatMap((value) => [value, encodeURIComponent(value)])
    .sort((a, b) => b.length - a.length);
}
