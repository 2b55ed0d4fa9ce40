import type { Credential, CredentialRecord } from '../credential.ts';
import type { SourceError } from '../errors.ts';
import type { Fetched, Notice } from '../ports.ts';
import type { Reason } from '../renewal.ts';

/** A client that rotates every few minutes must not cause a message each time; the count is in the metric. */
const RENOTIFY_AFTER_MS = 3_600_000;
const RENOTIFY_DAILY_MS = 86_400_000;

/** What operators are notified of when a renewal is made for this reason; undefined for one that was to be expected. */
export function rotationNotice(
  { app, name }: Credential,
  { rotationNotifiedAt }: CredentialRecord,
  reason: Reason,
  now: number,
): Notice | undefined {
  if (reason !== 'rejected-by-wechat' && reason !== 'reported-rejected') return undefined;
  const evidence =
    reason === 'rejected-by-wechat' ? 'WeChat rejected it' : 'an app reported that WeChat rejected it';
  const remedy =
    app.kind === 'wecom'
      ? "Find the program that uses this agent's secret, or who reset it."
      : 'Find the program that has this account\'s AppSecret and stop it, or move the app to "tokenApi": "stable", whose token it does not invalidate.';
  return {
    kind: 'unexpected-rotation',
    app: app.name,
    credential: name,
    message: `The ${name} of app '${app.name}' became invalid before its time (${evidence}), so it is being renewed: most likely another client fetches it. ${remedy}`,
    notify: now - rotationNotifiedAt >= RENOTIFY_AFTER_MS,
  };
}

/** What operators are notified of when the stable interface begins to replace the classic one: once for each day on which the quota is spent. */
export function quotaNotice(
  { app, name }: Credential,
  before: CredentialRecord,
  { classicQuotaBackAt }: Fetched,
): Notice | undefined {
  if (classicQuotaBackAt === undefined || classicQuotaBackAt === before.classicQuotaBackAt) return undefined;
  return {
    kind: 'classic-quota-spent',
    app: app.name,
    credential: name,
    message:
      `The day's calls of /cgi-bin/token for app '${app.name}' are used up (45009): another program fetches it all the time. ` +
      'Readers are not affected: /cgi-bin/stable_token is used until midnight, Beijing time. ' +
      "Find the program that has this account's AppSecret and stop it.",
    notify: true,
  };
}

/**
 * What operators are notified of when only they can correct an error: once, when it is new. One that lasts is repeated once a
 * day; one that was corrected and is back within the hour, when the hour is over.
 */
export function configurationErrorNotice(
  { app, name }: Credential,
  { notifiedErrorCode, errorNotifiedAt, failure }: CredentialRecord,
  { kind, code, message }: SourceError,
  now: number,
): Notice | undefined {
  if (kind !== 'configuration') return undefined;
  const lasts = failure?.code === code;
  const spacingMs = notifiedErrorCode !== code ? 0 : lasts ? RENOTIFY_DAILY_MS : RENOTIFY_AFTER_MS;
  if (now - errorNotifiedAt < spacingMs) return undefined;
  return { kind: 'configuration-error', app: app.name, credential: name, message, notify: true };
}
