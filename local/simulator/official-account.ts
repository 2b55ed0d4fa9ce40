import * as z from 'zod';
import { accountErrorCodes, countErrorCodes, ipNotAllowed, OfficialAccountError } from './error-responses.ts';
import { assertIpList, isAllowed } from './ip-list.ts';
import {
  currentOf,
  findIssued,
  type IssuedValue,
  type IssuePolicy,
  invalidateAll,
  issue,
  issuedValueSchema,
  isValid,
  mintValue,
} from './issued-values.ts';
import {
  beijingDayOf,
  beijingMonthOf,
  callCounterSchema,
  consume,
  exhaust,
  minuteOf,
  newCounter,
  usedIn,
} from './quotas.ts';

/** `open-app` is a 移动应用, or another kind that stable_token serves (docs/wechat.md#stable-token). */
export const accountKinds = ['official-account', 'mini-program', 'mini-game', 'open-app'] as const;

/** What `openapi/quota/get` does for an account; without any of these it counts every call at once. */
export const countOptionsSchema = z.strictObject({
  /** The count of `/cgi-bin/token` is that of so many milliseconds ago. */
  lagMs: z.int().nonnegative().optional(),
  /** It says 0 for ever, as users saw it (docs/wechat.md#is-a-token-still-valid). */
  frozen: z.boolean().optional(),
  /** It refuses, whatever path is asked for. */
  errcode: z.literal(countErrorCodes).optional(),
});
export type CountOptions = z.infer<typeof countOptionsSchema>;

/** An account of WeChat's other than WeCom's. */
export type AccountOptions = {
  readonly appId: string;
  readonly secret: string;
  /** @default 'official-account' */
  readonly kind?: (typeof accountKinds)[number] | undefined;
  /** Addresses and CIDR ranges that may call; by default all. For which calls depends on the kind (docs/wechat.md#ip-lists). */
  readonly allowedIps?: readonly string[] | undefined;
  /** Calls of `/cgi-bin/token` a day; by default 2,000. A test account has 200 (docs/wechat.md#classic-token). */
  readonly dailyTokenQuota?: number | undefined;
  readonly count?: CountOptions | undefined;
};

/** Everything that WeChat knows about one account: plain data, so that it can be kept in a file. */
export const accountSchema = z.strictObject({
  appId: z.string(),
  secret: z.string(),
  kind: z.enum(accountKinds),
  allowedIps: z.array(z.string()).optional(),
  /** Every token call is refused with this code, such as 50007 while the account is frozen. */
  errorCode: z.literal(accountErrorCodes).optional(),
  serial: z.number(),
  classic: z.strictObject({ tokens: z.array(issuedValueSchema), dailyQuota: z.number() }),
  stable: z.strictObject({
    tokens: z.array(issuedValueSchema),
    callsThisMinute: callCounterSchema,
    forcedToday: callCounterSchema,
    forcedAt: z.number().optional(),
    /** A normal call returns the current token although it is no longer accepted. */
    grantsInvalidated: z.boolean(),
  }),
  tickets: z.strictObject({
    jsapi: z.array(issuedValueSchema),
    wx_card: z.array(issuedValueSchema),
    sdk: z.array(issuedValueSchema),
  }),
  /** Tokens to which getticket answers -1000. */
  ticketsRefusedTo: z.array(z.string()),
  /** Calls that were carried out, by path. */
  callsToday: z.record(z.string(), callCounterSchema),
  resetsThisMonth: callCounterSchema,
  count: countOptionsSchema,
});
export type Account = z.infer<typeof accountSchema>;
export type Accounts = ReadonlyMap<string, Account>;

export type TokenApi = 'classic' | 'stable';
export const ticketTypes = ['jsapi', 'wx_card', 'sdk'] as const;
export type TicketType = (typeof ticketTypes)[number];

/** What the owner of an account shows. */
export type ClientCredentials = {
  readonly appId: string | undefined;
  readonly secret: string | undefined;
};

/** When a call is made, and from where. */
type Moment = { readonly now: number; readonly callerIp: string };

export const CLASSIC_ROUTE = '/cgi-bin/token';
export const STABLE_ROUTE = '/cgi-bin/stable_token';
export const COUNT_ROUTE = '/cgi-bin/openapi/quota/get';

const CLASSIC_CALLS_PER_DAY = 2_000;
const STABLE_CALLS_PER_MINUTE = 10_000;
const FORCED_PER_DAY = 20;
const FORCED_INTERVAL_MS = 30_000;
const RESETS_PER_MONTH = 10;
/** Of the routes whose limit is documented, or is known to exist (docs/wechat.md#is-a-token-still-valid). */
const callsPerDay: Readonly<Record<string, number>> = { [STABLE_ROUTE]: 500_000, [COUNT_ROUTE]: 10_000 };
/** Of any other route: more than a test makes. */
const OTHER_CALLS_PER_DAY = 1_000_000;
/** What the count that stands at 0 says the limit is: users saw this or 1,000. */
const FROZEN_LIMIT = 10_000;

/**
 * A new account, to which nothing was issued yet.
 *
 * @throws TypeError when `allowedIps` holds something else than IPs and CIDRs
 */
export function createAccount(options: AccountOptions): Account {
  if (options.allowedIps) assertIpList(options.allowedIps);
  return {
    appId: options.appId,
    secret: options.secret,
    kind: options.kind ?? 'official-account',
    ...(options.allowedIps && { allowedIps: [...options.allowedIps] }),
    serial: 0,
    classic: { tokens: [], dailyQuota: options.dailyTokenQuota ?? CLASSIC_CALLS_PER_DAY },
    stable: {
      tokens: [],
      callsThisMinute: newCounter(),
      forcedToday: newCounter(),
      grantsInvalidated: false,
    },
    tickets: { jsapi: [], wx_card: [], sdk: [] },
    ticketsRefusedTo: [],
    callsToday: {},
    resetsThisMonth: newCounter(),
    count: options.count ?? {},
  };
}

/**
 * The account that a caller has the secret of. Refuses with the first code that applies: 41002, 40013, 41004,
 * 40001, the account's own error code, 40164 (docs/wechat.md#classic-token names the codes; their order is the
 * simulator's). Quotas are checked afterwards, by the route.
 */
export function authenticate(
  accounts: Accounts,
  { appId, secret }: ClientCredentials,
  callerIp: string,
): Account {
  if (!appId) throw new OfficialAccountError(41002);
  const account = accounts.get(appId);
  if (!account) throw new OfficialAccountError(40013);
  if (!secret) throw new OfficialAccountError(41004);
  if (secret !== account.secret) {
    throw new OfficialAccountError(40001, 'invalid credential, appsecret is wrong');
  }
  if (account.errorCode !== undefined) throw new OfficialAccountError(account.errorCode);
  if (!isAllowed(callerIp, account.allowedIps)) throw ipNotAllowed(callerIp);
  return account;
}

/** The account that this access token was issued to, classic or stable, valid or not. */
export function accountOfToken(accounts: Accounts, accessToken: string | null): Account | undefined {
  for (const account of accounts.values()) {
    if (findToken(account, accessToken)) return account;
  }
  return undefined;
}

/**
 * The account that a valid access token, classic or stable, belongs to. Otherwise 41001 without one, 40014 for
 * a string that never was a token, 42001 after its lifetime, 40001 for one that newer tokens replaced or WeChat
 * invalidated (docs/wechat.md#is-a-token-still-valid). Then 40164, if the account is of the kind whose every call is
 * checked against its IP list (docs/wechat.md#ip-lists).
 */
export function authenticateToken(
  accounts: Accounts,
  accessToken: string | null,
  { now, callerIp }: Moment,
): Account {
  if (!accessToken) throw new OfficialAccountError(41001);
  const account = accountOfToken(accounts, accessToken);
  const token = account && findToken(account, accessToken);
  if (!account || !token) throw new OfficialAccountError(40014);
  if (!isValid(token, now)) throw new OfficialAccountError(now < token.expiresAt ? 40001 : 42001);
  if (account.kind === 'official-account' && !isAllowed(callerIp, account.allowedIps)) {
    throw ipNotAllowed(callerIp);
  }
  return account;
}

/** The token, valid or not, if this account was issued it. */
export function findToken({ classic, stable }: Account, accessToken: string | null): IssuedValue | undefined {
  if (accessToken === null) return undefined;
  return findIssued(classic.tokens, accessToken) ?? findIssued(stable.tokens, accessToken);
}

/**
 * Counts a call that is carried out; 45009 above the day's limit of its path. Which refused calls WeChat counts is
 * not documented; here none.
 */
export function countCall(account: Account, path: string, now: number): void {
  const counter = account.callsToday[path] ?? newCounter();
  account.callsToday[path] = counter;
  if (!consume(counter, beijingDayOf(now), dailyLimitOf(account, path))) {
    throw new OfficialAccountError(45009);
  }
}

function dailyLimitOf({ classic }: Account, path: string): number {
  return path === CLASSIC_ROUTE ? classic.dailyQuota : (callsPerDay[path] ?? OTHER_CALLS_PER_DAY);
}

/** Other clients use up the rest of the day's calls of one path; the tokens stay as they are. */
export function burnDailyQuota(account: Account, path: string, now: number): void {
  const counter = account.callsToday[path] ?? newCounter();
  account.callsToday[path] = counter;
  exhaust(counter, beijingDayOf(now), dailyLimitOf(account, path));
}

/** What `openapi/quota/get` says of a path: every client's calls of the day. */
export function dailyCallsOf(account: Account, path: string, now: number): { used: number; limit: number } {
  const { lagMs = 0, frozen } = account.count;
  if (frozen) return { used: 0, limit: FROZEN_LIMIT };
  const counted = account.callsToday[path] ?? newCounter();
  const used =
    path === CLASSIC_ROUTE ? classicCallsUntil(account, now - lagMs) : usedIn(counted, beijingDayOf(now));
  return { used, limit: dailyLimitOf(account, path) };
}

/** The count of `/cgi-bin/token` as it was at an instant, just after midnight still that of the day before. */
function classicCallsUntil({ callsToday, classic }: Account, instant: number): number {
  const day = beijingDayOf(instant);
  const { window, count } = callsToday[CLASSIC_ROUTE] ?? newCounter();
  // Each call issued a token. The counter alone knows of the calls that `burnDailyQuota` made up.
  const issued = classic.tokens.filter(({ issuedAt }) => beijingDayOf(issuedAt) === day);
  const later = issued.filter(({ issuedAt }) => issuedAt > instant).length;
  // What a reset has uncounted may have come later, too.
  return Math.max(0, (window === day ? count : issued.length) - later);
}

/**
 * `/cgi-bin/clear_quota/v2`: every count of the day begins anew; ten times a month, then 48006
 * (docs/wechat.md#is-a-token-still-valid).
 */
export function resetDailyCalls(account: Account, now: number): void {
  if (!consume(account.resetsThisMonth, beijingMonthOf(now), RESETS_PER_MONTH)) {
    throw new OfficialAccountError(48006);
  }
  // Without its counter, the calls of the classic route would be known by the tokens that they issued.
  account.callsToday = { [CLASSIC_ROUTE]: { window: beijingDayOf(now), count: 0 } };
}

/**
 * `/cgi-bin/token` of an authenticated caller: every call issues a new token, up to the daily quota, then 45009
 * (docs/wechat.md#classic-token).
 */
export function grantClassicToken(account: Account, now: number, policy: IssuePolicy): IssuedValue {
  countCall(account, CLASSIC_ROUTE, now);
  return issue(account.classic.tokens, mintValue(account, account.appId, 'classic', now), now, policy);
}

/**
 * `/cgi-bin/stable_token` of an authenticated caller: the same token until its last `overlapMs`, then a new one,
 * so that `expires_in` is never below the overlap. `forceRefresh` asks for a new one at once. 45011 and 45009
 * above the quotas. The classic token is not affected (docs/wechat.md#stable-token).
 */
export function grantStableToken(
  account: Account,
  forceRefresh: boolean,
  now: number,
  policy: IssuePolicy,
): IssuedValue {
  const { tokens, callsThisMinute, grantsInvalidated } = account.stable;
  if (!consume(callsThisMinute, minuteOf(now), STABLE_CALLS_PER_MINUTE)) {
    throw new OfficialAccountError(45011);
  }
  countCall(account, STABLE_ROUTE, now);

  const forced = forceRefresh && consumeForcedRefresh(account, now);
  const current = tokens.at(-1);
  const accepted = current && (isValid(current, now) || grantsInvalidated);
  if (!forced && accepted && current.expiresAt - now >= policy.overlapMs) return current;
  return issue(tokens, mintValue(account, account.appId, 'stable', now), now, policy);
}

/** False within 30 s of the last one. WeChat names no code for the 21st of a day; here it gets 45009. */
function consumeForcedRefresh({ stable }: Account, now: number): boolean {
  if (stable.forcedAt !== undefined && now - stable.forcedAt < FORCED_INTERVAL_MS) return false;
  if (!consume(stable.forcedToday, beijingDayOf(now), FORCED_PER_DAY)) throw new OfficialAccountError(45009);
  stable.forcedAt = now;
  return true;
}

/**
 * WeChat stops accepting the account's tokens of one interface, those in their overlap too, and issues none instead.
 *
 * @param stillGranted of the stable token: a normal call goes on returning it, as users saw it
 *   (docs/wechat.md#stable-token)
 */
export function invalidateTokens(account: Account, api: TokenApi, stillGranted: boolean, now: number): void {
  invalidateAll(account[api].tokens, now);
  if (api === 'stable') account.stable.grantsInvalidated = stillGranted;
}

/** From now on getticket answers -1000 to the tokens that were issued until now (docs/wechat.md#tickets). */
export function refuseTickets(account: Account): void {
  const { classic, stable } = account;
  account.ticketsRefusedTo = [...classic.tokens, ...stable.tokens].map(({ value }) => value);
}

/**
 * `/cgi-bin/ticket/getticket` with a valid token: the same ticket until it has expired, whatever became of the
 * token that fetched it. WeChat names no number for "very limited" calls, so there is no quota of its own. 48001
 * for a ticket of another kind of account (docs/wechat.md#tickets).
 */
export function grantTicket(
  account: Account,
  type: TicketType,
  now: number,
  policy: IssuePolicy,
): IssuedValue {
  if ((type === 'sdk') !== (account.kind === 'open-app')) throw new OfficialAccountError(48001);
  const tickets = account.tickets[type];
  return (
    currentOf(tickets, now) ?? issue(tickets, mintValue(account, account.appId, 'ticket', now), now, policy)
  );
}
