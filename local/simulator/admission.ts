import type { Account } from './account.ts';
import { ipNotAllowed, WechatError } from './errors.ts';
import { isAllowed } from './ip-list.ts';
import { type Issued, isAlive } from './issued.ts';

/** What a caller of a token route says about itself. */
export type Application = {
  readonly grantType: string | undefined;
  readonly appId: string | undefined;
  readonly secret: string | undefined;
};

type Accounts = ReadonlyMap<string, Account>;

/**
 * Lets the caller of a token route in, or refuses it with the first code that applies: 40002, 41002, 40013,
 * 41004, 40001, the account's own refusal, 40164 (WECHAT.md, "classic"). Quotas are the route's business and
 * come last.
 */
export function authenticate(accounts: Accounts, application: Application, callerIp: string): Account {
  const { grantType, appId, secret } = application;
  if (grantType !== 'client_credential') throw new WechatError(40002);
  if (!appId) throw new WechatError(41002);
  const account = accounts.get(appId);
  if (!account) throw new WechatError(40013);
  if (!secret) throw new WechatError(41004);
  if (secret !== account.secret) throw new WechatError(40001, 'invalid credential, appsecret is wrong');
  if (account.refusal !== undefined) throw new WechatError(account.refusal);
  if (!isAllowed(callerIp, account.allowedIps)) throw ipNotAllowed(callerIp);
  return account;
}

/** The account that WeChat gave this access token to, classic or stable; it may be dead by now. */
export function accountOfToken(accounts: Accounts, accessToken: string | null): Account | undefined {
  for (const account of accounts.values()) {
    if (tokenOf(account, accessToken)) return account;
  }
  return undefined;
}

/**
 * The account that a live access token, classic or stable, belongs to. Otherwise 41001 without one, 40014 for
 * a string that never was a token, 42001 past its lifetime, 40001 for one that a newer token replaced
 * (WECHAT.md, "Is a token still good?").
 */
export function bearerOf(accounts: Accounts, accessToken: string | null, now: number): Account {
  if (!accessToken) throw new WechatError(41001);
  const account = accountOfToken(accounts, accessToken);
  const token = account && tokenOf(account, accessToken);
  if (!account || !token) throw new WechatError(40014);
  if (!isAlive(token, now)) throw new WechatError(now < token.expiresAt ? 40001 : 42001);
  return account;
}

function tokenOf({ classic, stable }: Account, accessToken: string | null): Issued | undefined {
  const isIt = ({ value }: Issued) => value === accessToken;
  return classic.tokens.findLast(isIt) ?? stable.tokens.findLast(isIt);
}
