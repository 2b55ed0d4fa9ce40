import {
  type Credential,
  type CredentialRecord,
  type IssuedValue,
  isDoubtful,
  type TokenApi,
} from '../credential.ts';

/**
 * How a credential renews itself at WeChat.
 * - `rotating` (classic token): every call issues a new value and invalidates the old one after 5 minutes.
 * - `sticky` (stable token, WeCom token, ticket): a call returns the same value until `renewsBeforeEndMs` before its end;
 *   0 means that only the end itself brings a new one, so calling sooner is a wasted call.
 */
export type RenewalMode =
  | { readonly kind: 'rotating'; readonly refreshAfterMs: number }
  | { readonly kind: 'sticky'; readonly renewsBeforeEndMs: number; readonly forcedPerDay?: number };

const FULL_LIFETIME_MS = 7_200_000;
/** WeChat grants whole seconds, counted by its own clock: ask a moment after the end by ours. */
const CLOCK_MARGIN_MS = 1_000;
/** How long a rotated token remains valid: docs/wechat.md#classic-token. */
const OVERLAP_MS = 300_000;

const STICKY_TO_THE_END: RenewalMode = { kind: 'sticky', renewsBeforeEndMs: 0 };
const STABLE: RenewalMode = { kind: 'sticky', renewsBeforeEndMs: 300_000, forcedPerDay: 20 };

/** How each credential renews: docs/wechat.md, "Classic token", "Stable token", "Tickets" and "WeCom". */
export function renewalModeOf(
  { app, name }: Credential,
  record: CredentialRecord,
  now: number,
  refreshAfterMs: number,
): RenewalMode {
  if (name !== 'access-token' || app.kind === 'wecom') return STICKY_TO_THE_END;
  return tokenApiOf(app.tokenApi, record, now) === 'stable' ? STABLE : { kind: 'rotating', refreshAfterMs };
}

/** The interface that grants the next token: the stable one, while the calls of a classic one are used up for the day. */
export function tokenApiOf(configured: TokenApi, record: CredentialRecord, now: number): TokenApi {
  return now < record.classicQuotaBackAt ? 'stable' : configured;
}

/**
 * When a healthy value is renewed (epoch ms). A rotating one at `refreshAfterMs`, or at 5/6 of its lifetime when
 * WeChat granted less than 7200 s ("the lifetime may change"); a sticky one when WeChat first has another, in the last
 * sixth of a life too short for that.
 */
export function dueAt(current: IssuedValue, mode: RenewalMode): number {
  // Never negative, not even when a clock was set back between issue and expiry.
  const lifetimeMs = Math.max(0, current.expiresAt - current.issuedAt);
  if (mode.kind === 'sticky') {
    const { renewsBeforeEndMs } = mode;
    const whole = lifetimeMs >= renewsBeforeEndMs;
    return current.expiresAt - (whole ? renewsBeforeEndMs : Math.floor(lifetimeMs / 6)) + CLOCK_MARGIN_MS;
  }
  const full = lifetimeMs >= FULL_LIFETIME_MS;
  const scaledMs = full ? mode.refreshAfterMs : Math.min(mode.refreshAfterMs, (lifetimeMs * 5) / 6);
  return Math.min(current.issuedAt + Math.floor(scaledMs), current.expiresAt);
}

/** How long a caller may keep a value that may be invalid. */
const DOUBTFUL_MS = 60_000;

/** Until when the value is served for (epoch ms): to its end, but only briefly while it may be invalid. */
export function servedUntil(record: CredentialRecord, { expiresAt }: IssuedValue, now: number): number {
  return isDoubtful(record) ? Math.min(expiresAt, now + DOUBTFUL_MS) : expiresAt;
}

/**
 * Until when a caller may keep the value without asking again (epoch ms): a rotating one becomes invalid five minutes
 * after its renewal, which is before its own end; one that is suspected, soon perhaps.
 */
export function cacheableUntil(
  record: CredentialRecord,
  current: IssuedValue,
  mode: RenewalMode,
  now: number,
): number {
  const served = servedUntil(record, current, now);
  if (mode.kind === 'sticky') return served;
  return Math.min(served, Math.max(now, dueAt(current, mode)) + OVERLAP_MS);
}

/** Until when WeChat accepts a value that is replaced at `now` (epoch ms); one that it rejected already, no longer. */
export function validUntil(replaced: IssuedValue, now: number, wasRejected: boolean): number {
  return wasRejected ? now : Math.min(replaced.expiresAt, now + OVERLAP_MS);
}

/** Whether an answer's `expires_in` counts what is left; that of a credential which is sticky to its end may always be 7200 (users). */
export function reportsRemainingLifetime(mode: RenewalMode): boolean {
  return mode.kind === 'rotating' || mode.renewsBeforeEndMs > 0;
}
