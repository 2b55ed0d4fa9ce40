import type { Agent, Corp, WecomApp } from './corp.ts';
import { isAllowed } from './ip-list.ts';
import { isAlive } from './issued.ts';
import { WecomError } from './wecom-errors.ts';

type Corps = ReadonlyMap<string, Corp>;

/** The corp that a caller of `gettoken` names, else 41002 or 40013. */
export function corpOf(corps: Corps, corpId: string | null): Corp {
  if (!corpId) throw new WecomError(41002);
  const corp = corps.get(corpId);
  if (!corp) throw new WecomError(40013);
  return corp;
}

/**
 * The app of the corp that has this secret, else 41004, or 40001; 60020 when the caller's address is not one
 * that the app trusts (WECHAT.md, "WeCom"). The secret alone tells the app: `gettoken` has no `agentid`.
 */
export function admitApp(corp: Corp, corpSecret: string | null, callerIp: string): WecomApp {
  if (!corpSecret) throw new WecomError(41004);
  const app = corp.apps.find(({ secret }) => secret === corpSecret);
  if (!app) throw new WecomError(40001);
  if (!isAllowed(callerIp, app.trustedIps)) throw new WecomError(60020);
  return app;
}

/** The app that WeCom gave this access token to; it may be dead by now. */
export function agentOfToken(corps: Corps, accessToken: string | null): Agent | undefined {
  for (const corp of corps.values()) {
    const app = corp.apps.find(({ tokens }) => tokens.some(({ value }) => value === accessToken));
    if (app) return { corp, app };
  }
  return undefined;
}

/**
 * The app that a live access token belongs to. Otherwise 41001 without one, 42001 past its lifetime, 40014 for
 * one that WeCom invalidated early and for a string that never was a token. WECHAT.md names both codes for a
 * dead token and leaves open which one an early death gets.
 */
export function wecomBearerOf(corps: Corps, accessToken: string | null, now: number): Agent {
  if (!accessToken) throw new WecomError(41001);
  const agent = agentOfToken(corps, accessToken);
  const token = agent?.app.tokens.find(({ value }) => value === accessToken);
  if (!agent || !token) throw new WecomError(40014);
  if (!isAlive(token, now)) throw new WecomError(now < token.expiresAt ? 40014 : 42001);
  return agent;
}
