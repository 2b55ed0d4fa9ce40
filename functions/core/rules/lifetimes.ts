import type { App, CredentialName, CredentialRecord, IssuedValue, TokenApi } from '../credential.ts';

/**
 * How a credential renews itself at WeChat.
 * - `rotating` (classic token): every call issues a new value and kills the old one after 5 minutes.
 * - `sticky` (stable token, WeCom token, ticket): a call returns the same value until `renewsBeforeEndMs` before its end;
 *   0 means that only the end itself brings a new one, so calling sooner is a wasted call.
 */
export type Renewal =
  | { readonly kind: 'rotating'; readonly refreshAfterMs: number }
  | { readonly kind: 'sticky'; readonly renewsBeforeEndMs: number; readonly forcedPerDay?: number };

const FULL_LIFETIME_MS = 7_200_000;
/** WeChat grants whole seconds, counted from its own clock: ask a moment after our own idea of the turn. */
const CLOCK_MARGIN_MS = 1_000;
/** How long a rotated token goes on working: WECHAT.md, "GET /cgi-bin/token". */
const OVERLAP_MS = 300_000;

/**
 * When a healthy value is renewed (epoch ms). A rotating one at `refreshAfterMs`, or at 5/6 of its lifetime when
 * WeChat granted less than 7200 s ("the lifetime may change"); a sticky one when WeChat first has another, in the last
 * sixth of a life too short for that.
 */
export function dueAt(current: IssuedValue, renewal: Renewal): number {
  // Never negative, not even when a clock was set back between issue and expiry.
  const lifetimeMs = Math.max(0, current.expiresAt - current.issuedAt);
  if (renewal.kind === 'sticky') {
    const { renewsBeforeEndMs } = renewal;
    const whole = lifetimeMs >= renewsBeforeEndMs;
    return current.expiresAt - (whole ? renewsBeforeEndMs : Math.floor(lifetimeMs / 6)) + CLOCK_MARGIN_MS;
  }
  const full = lifetimeMs >= FULL_LIFETIME_MS;
  const scaledMs = full ? renewal.refreshAfterMs : Math.min(renewal.refreshAfterMs, (lifetimeMs * 5) / 6);
  return Math.min(current.issuedAt + Math.floor(scaledMs), current.expiresAt);
}

/**
 * Until when somebody who keeps the value may use it unseen (epoch ms): a rotating one dies five minutes after its
 * renewal, which is before its own end.
 */
export function cacheableUntil(current: IssuedValue, renewal: Renewal, now: number): number {
  if (renewal.kind === 'sticky') return current.expiresAt;
  return Math.min(current.expiresAt, Math.max(now, dueAt(current, renewal)) + OVERLAP_MS);
}

/** Until when WeChat accepts a value that was replaced at `now`; one that was found dead is dead already. */
export function validUntil(replaced: IssuedValue, now: number, rejectedFingerprint: boolean): number {
  return rejectedFingerprint ? now : Math.min(replaced.expiresAt, now + OVERLAP_MS);
}

/** Whether an answer's `expires_in` counts what is left; that of a credential which is sticky to its end may always say 7200 (user). */
export function reportsRemainingLifetime(renewal: Renewal): boolean {
  return renewal.kind === 'rotating' || renewal.renewsBeforeEndMs > 0;
}

const STICKY_TO_THE_END: Renewal = { kind: 'sticky', renewsBeforeEndMs: 0 };
const STABLE: Renewal = { kind: 'sticky', renewsBeforeEndMs: 300_000, forcedPerDay: 20 };

/** The renewal of each credential, from the official pages that WECHAT.md gathers. */
export function renewalModeOf(
  app: App,
  name: CredentialName,
  record: CredentialRecord,
  now: number,
  refreshAfterMs: number,
): Renewal {
  if (name !== 'access-token' || app.kind === 'wecom') return STICKY_TO_THE_END;
  return tokenApiOf(app.tokenApi, record, now) === 'stable' ? STABLE : { kind: 'rotating', refreshAfterMs };
}

/** The interface that grants the next token: the stable one stands in for a classic one whose calls of the day are used up. */
export function tokenApiOf(configured: TokenApi, record: CredentialRecord, now: number): TokenApi {
  return now < record.classicQuotaBackAt ? 'stable' : configured;
}
