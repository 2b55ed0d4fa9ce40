import type { App, CredentialName } from '../credential.ts';

/** What the refresher measures and the alarms watch: one list for both, so that they cannot drift apart. */
export const metricNamespace = 'WechatTokenRefresher';

/**
 * Each app has metrics and alarms of its own up to so many apps. Beyond that they are the stack's: a stack holds at most
 * 500 resources, and each metric and alarm costs money. `wechat-token-refresher status` tells which app it is.
 */
const MAX_APPS_WITH_METRICS = 60;

export function measuresEachApp(apps: readonly App[]): boolean {
  return apps.length <= MAX_APPS_WITH_METRICS;
}

const FULL_LIFETIME_SECONDS = 7_200;

/**
 * A credential with fewer seconds left was not renewed when it should have been.
 * - A classic token is renewed with 20 minutes left (or as configured): a quarter of them later ops should know.
 * - A stable one is renewed within its last 5 minutes.
 * - Tickets and WeCom's token are renewed at their very end: only one that stays away is late.
 */
export function expiringBelowSeconds(app: App, name: CredentialName, refreshAfterMinutes: number): number {
  if (name !== 'access-token' || app.kind === 'wecom') return 1;
  if (app.tokenApi === 'stable') return 240;
  return Math.min(900, ((FULL_LIFETIME_SECONDS - refreshAfterMinutes * 60) * 3) / 4);
}

/** Calls that WeChat grants an account in a day (WECHAT.md, "GET /cgi-bin/token"); those of a stable token cannot run out this way. */
export const CLASSIC_CALLS_PER_DAY = 2_000;
export const QUOTA_NEAR_PERCENT = 80;
/** Failed attempts in a row that are no passing trouble any more: backed off, they took several minutes. */
export const FAILURES_IN_A_ROW = 5;
