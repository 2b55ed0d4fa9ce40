import * as z from 'zod';
import { accountErrorCodes, ipNotAllowed, OfficialAccountError } from './error-responses.ts';
import { assertIpList, isAllowed } from './ip-list.ts';
import {
  currentOf,
  type IssuedValue,
  type IssuePolicy,
  issue,
  issuedValueSchema,
  isValid,
  mintValue,
} from './issued-values.ts';
import { beijingDayOf, callCounterSchema, consume, exhaust, minuteOf, newCounter } from './quotas.ts';

/** An official account, mini program or mini game. */
export type AccountOptions = {
  readonly appId: string;
  readonly secret: string;
  /** Addresses and CIDR ranges that may call the token routes; by default all. */
  readonly allowedIps?: readonly string[] | undefined;
  /** Calls of `/cgi-bin/token` a day; by default 2,000. A test account has 200 (docs/wechat.md#classic-token). */
  readonly dailyTokenQuota?: number | undefined;
};

/** Everything that WeChat knows about one account: plain data, so that it can be kept in a file. */
export const accountSchema = z.strictObject({
  appId: z.string(),
  secret: z.string(),
  allowedIps: z.array(z.string()).optional(),
  /** Every token call is refused with this code, such as 50007 while the account is frozen. */
  errorCode: z.literal(accountErrorCodes).optional(),
  serial: z.number(),
  classic: z.strictObject({
    tokens: z.array(issuedValueSchema),
    dailyQuota: z.number(),
    callsToday: callCounterSchema,
  }),
  stable: z.strictObject({
    tokens: z.array(issuedValueSchema),
    callsThisMinute: callCounterSchema,
    callsToday: callCounterSchema,
    forcedToday: callCounterSchema,
    forcedAt: z.number().optional(),
  }),
  tickets: z.strictObject({ jsapi: z.array(issuedValueSchema), wx_card: z.array(issuedValueSchema) }),
});
export type Account = z.infer<typeof accountSchema>;
export type Accounts = ReadonlyMap<string, Account>;

export type TokenApi = 'classic' | 'stable';
export const ticketTypes = ['jsapi', 'wx_card'] as const;
export type TicketType = (typeof ticketTypes)[number];

/** What a caller of a token route shows. */
export type ClientCredentials = {
  readonly grantType: string | undefined;
  readonly appId: string | undefined;
  readonly secret: string | undefined;
};

const CLASSIC_CALLS_PER_DAY = 2_000;
const STABLE_CALLS_PER_MINUTE = 10_000;
export const STABLE_CALLS_PER_DAY = 500_000;
const FORCED_PER_DAY = 20;
const FORCED_INTERVAL_MS = 30_000;

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
    ...(options.allowedIps && { allowedIps: [...options.allowedIps] }),
    serial: 0,
    classic: {
      tokens: [],
      dailyQuota: options.dailyTokenQuota ?? CLASSIC_CALLS_PER_DAY,
      callsToday: newCounter(),
    },
    stable: {
      tokens: [],
      callsThisMinute: newCounter(),
      callsToday: newCounter(),
      forcedToday: newCounter(),
    },
    tickets: { jsapi: [], wx_card: [] },
  };
}

/**
 * The account that a token route's caller has the secret of. Refuses with the first code that applies: 40002,
 * 41002, 40013, 41004, 40001, the account's own error code, 40164 (docs/wechat.md#classic-token names the codes;
 * their order is the simulator's). Quotas are checked afterwards, by the route.
 */
export function authenticate(accounts: Accounts, credentials: ClientCredentials, callerIp: string): Account {
  const { grantType, appId, secret } = credentials;
  if (grantType !== 'client_credential') throw new OfficialAccountError(40002);
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
 * a string that never was a token, 42001 after its lifetime, 40001 for one that newer tokens replaced
 * (docs/wechat.md#is-a-token-still-valid).
 */
export function authenticateToken(accounts: Accounts, accessToken: string | null, now: number): Account {
  if (!accessToken) throw new OfficialAccountError(41001);
  const account = accountOfToken(accounts, accessToken);
  const token = account && findToken(account, accessToken);
  if (!account || !token) throw new OfficialAccountError(40014);
  if (!isValid(token, now)) throw new OfficialAccountError(now < token.expiresAt ? 40001 : 42001);
  return account;
}

function findToken({ classic, stable }: Account, accessToken: string | null): IssuedValue | undefined {
  const isIt = ({ value }: IssuedValue) => value === accessToken;
  return classic.tokens.findLast(isIt) ?? stable.tokens.findLast(isIt);
}

/**
 * `/cgi-bin/token` of an authenticated caller: every call issues a new token, up to the daily quota, then 45009
 * (docs/wechat.md#classic-token).
 */
export function grantClassicToken(account: Account, now: number, policy: IssuePolicy): IssuedValue {
  const { tokens, callsToday, dailyQuota } = account.classic;
  if (!consume(callsToday, beijingDayOf(now), dailyQuota)) throw new OfficialAccountError(45009);
  return issue(tokens, mintValue(account, account.appId, 'classic', now), now, policy);
}

/** Other clients use up the rest of the day's classic calls; the token stays as it is. */
export function burnDailyQuota({ classic }: Account, now: number): void {
  exhaust(classic.callsToday, beijingDayOf(now), classic.dailyQuota);
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
  const { tokens, callsThisMinute, callsToday } = account.stable;
  if (!consume(callsThisMinute, minuteOf(now), STABLE_CALLS_PER_MINUTE)) {
    throw new OfficialAccountError(45011);
  }
  if (!consume(callsToday, beijingDayOf(now), STABLE_CALLS_PER_DAY)) throw new OfficialAccountError(45009);

  const current = tokens.at(-1);
  const forced = forceRefresh && consumeForcedRefresh(account, now);
  if (!forced && current && current.expiresAt - now >= policy.overlapMs) return current;
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
 * `/cgi-bin/ticket/getticket` with a valid token: the same ticket until it has expired, whatever became of the
 * token that fetched it. WeChat names no number for "very limited" calls, so there is no quota
 * (docs/wechat.md#tickets).
 */
export function grantTicket(
  account: Account,
  type: TicketType,
  now: number,
  policy: IssuePolicy,
): IssuedValue {
  const tickets = account.tickets[type];
  return (
    currentOf(tickets, now) ?? issue(tickets, mintValue(account, account.appId, 'ticket', now), now, policy)
  );
}
