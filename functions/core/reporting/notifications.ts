import type { Credential, CredentialRecord } from '../credential.ts';
import type { SourceError } from '../errors.ts';
import type { Notice } from '../ports.ts';
import type { Reason } from '../renewal.ts';
import type { Fetched } from '../steps/fetch.ts';

/** Somebody who rotates every few minutes must not send ops a message each time; the count is in the metric. */
const RENOTIFY_AFTER_MS = 3_600_000;
const RENOTIFY_DAILY_MS = 86_400_000;

/** What ops should hear when a renewal is made for this reason; undefined for one that was to be expected. */
export function rotationNotice(
  { app, name }: Credential,
  { rotationNotifiedAt }: CredentialRecord,
  reason: Reason,
  now: number,
): Notice | undefined {
  if (reason !== 'rejected-by-wechat' && reason !== 'reported-rejected') return undefined;
  const evidence =
    reason === 'rejected-by-wechat' ? 'WeChat refused it' : 'an app reported that WeChat refused it';
  const egress =
    app.kind === 'wecom'
      ? "Find the program that uses this agent's secret, or who reset it."
      : 'Find the program that has this account\'s AppSecret and stop it, or move the app to "tokenApi": "stable", whose token others do not touch.';
  return {
    kind: 'unexpected-rotation',
    app: app.name,
    credential: name,
    message: `The ${name} of app '${app.name}' died before its time (${evidence}), so it is being renewed: somebody else fetches it, most likely. ${egress}`,
    tell: now - rotationNotifiedAt >= RENOTIFY_AFTER_MS,
  };
}

/** What ops should hear when the stable interface begins to stand in: once for each day on which the quota is spent. */
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
      'Readers notice nothing, for /cgi-bin/stable_token stands in until midnight, Beijing time. ' +
      "Find the program that has this account's AppSecret and stop it.",
    tell: true,
  };
}

/**
 * What ops should hear of a mistake that only they can mend: once, when it is new. One that stays is told of once a day;
 * one that was mended and is back within the hour, when the hour is over.
 */
export function configurationErrorNotice(
  { app, name }: Credential,
  { notifiedErrorCode, errorNotifiedAt, failure }: CredentialRecord,
  { kind, code, message }: SourceError,
  now: number,
): Notice | undefined {
  if (kind !== 'configuration') return undefined;
  const stays = failure?.code === code;
  const spacingMs = notifiedErrorCode !== code ? 0 : stays ? RENOTIFY_DAILY_MS : RENOTIFY_AFTER_MS;
  if (now - errorNotifiedAt < spacingMs) return undefined;
  return { kind: 'configuration-error', app: app.name, credential: name, message, tell: true };
}
