import type { Credential, CredentialRecord } from '../credential.ts';
import type { SourceError } from '../errors.ts';
import type { Fetched, Notice } from '../ports.ts';
import type { Reason } from '../renewal.ts';

/** A client that rotates every few minutes must not cause a message each time; the count is in the metric. */
const RENOTIFY_AFTER_MS = 3_600_000;
const RENOTIFY_DAILY_MS = 86_400_000;
/** An egress with more addresses than this repeats itself. */
const MAX_NOTIFIED_ERRORS = 8;

/** What operators are notified of when a renewal is made for this reason; undefined for one that was to be expected. */
export function rotationNotice(
  { app, name }: Credential,
  { rotationNotifiedAt }: CredentialRecord,
  reason: Reason,
  now: number,
): Notice | undefined {
  const evidence = evidenceOf(reason);
  if (!evidence) return undefined;
  const remedy =
    app.kind === 'wecom'
      ? 'Find the program that uses this Secret, or who reset it.'
      : 'Find the program that has this account\'s AppSecret and stop it, or move the app to "tokenApi": "stable", whose token it does not invalidate.';
  return {
    kind: 'unexpected-rotation',
    app: app.name,
    credential: name,
    message: `The ${name} of app '${app.name}' became invalid before its time (${evidence}), so it is being renewed: most likely another client fetches it. ${remedy}`,
    notify: now - rotationNotifiedAt >= RENOTIFY_AFTER_MS,
  };
}

function evidenceOf(reason: Reason): string | undefined {
  switch (reason) {
    case 'rejected-by-wechat':
      return 'WeChat rejected it';
    case 'rotated-by-another-client':
      return 'WeChat counted a call for it that was not ours';
    case 'tickets-refused':
      return 'WeChat grants no ticket for it';
    case 'reported-rejected':
      return 'an app reported that WeChat rejected it';
    default:
      return undefined;
  }
}

/** What operators are notified of when the last renewal is made that other causes than time may use on this day. */
export function budgetNotice(
  { app, name }: Credential,
  { automaticToday }: CredentialRecord,
  budget: number,
): Notice | undefined {
  if (automaticToday !== budget) return undefined;
  return {
    kind: 'rotation-budget-spent',
    app: app.name,
    credential: name,
    message:
      `The ${name} of app '${app.name}' was renewed ${budget} times today because it became invalid before its time. ` +
      'It is now renewed by its age only, until midnight, Beijing time: each more renewal would bring the daily limit nearer. ' +
      "Find the program that has this account's AppSecret and stop it; a forced refresh still renews at once.",
    notify: true,
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
  { notifiedErrors, errorNotifiedAt, failure }: CredentialRecord,
  { kind, code, message, refusedIp }: SourceError,
  now: number,
): { notice: Notice; notifiedErrors: string } | undefined {
  if (kind !== 'configuration') return undefined;
  // Another address that WeChat refuses is another error to correct.
  const error = refusedIp === undefined ? code : `${code}/${refusedIp}`;
  const known = notifiedErrors.split(' ').filter(Boolean);
  const lasts = failure?.code === code;
  const repeat = now - errorNotifiedAt >= (lasts ? RENOTIFY_DAILY_MS : RENOTIFY_AFTER_MS);
  if (known.includes(error) && !repeat) return undefined;
  const others = repeat ? [] : known.filter((each) => each !== error);
  return {
    notice: { kind: 'configuration-error', app: app.name, credential: name, message, notify: true },
    notifiedErrors: [...others, error].slice(-MAX_NOTIFIED_ERRORS).join(' '),
  };
}
