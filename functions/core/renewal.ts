import { accountOf, belongsTo, type Credential, type CredentialRecord } from './credential.ts';
import { dueAt, type RenewalMode, renewalModeOf } from './rules/lifetimes.ts';
import { countForToday, startOfNextBeijingDay } from './rules/quota-day.ts';
import type { Schedule } from './rules/timing.ts';

/** What to do with one credential now, and why. */
export type Decision = {
  /** `probe`: ask WeChat whether it accepts the value. `mirror`: write the parameter. `wait`: nothing before `untilMs`. */
  readonly action: 'skip' | 'renew' | 'mirror' | 'probe' | 'wait';
  readonly reason: Reason;
  /** Epoch ms. */
  readonly untilMs?: number;
};

/** Every reason that an answer can give: docs/architecture.md#reasons. */
export const reasons = [
  // Left alone.
  'healthy',
  'just-checked',
  'renewed-while-waiting',
  'awaiting-successor',
  'lease-held',
  'lost-the-race',
  'no-time-left',
  'backing-off',
  'forced-recently',
  'forced-quota-spent',
  'rotated-recently',
  'rotation-budget-spent',
  'being-checked',
  // Checked.
  'suspected',
  'probed',
  'report-unfounded',
  'probe-failed',
  // Renewed, or tried to.
  'no-value',
  'app-changed',
  'due',
  'expired',
  'retry',
  'forced',
  'validity-unknown',
  'reported-rejected',
  'rejected-by-wechat',
  'rotated-by-another-client',
  'tickets-refused',
  'access-token-checked',
  'no-access-token',
  'lease-lost',
  // Put right.
  'mirror-behind',
  // Not reached.
  'store-unreachable',
] as const;
export type Reason = (typeof reasons)[number];

/** What a run did about a credential: docs/architecture.md#reasons. */
export type Outcome =
  | 'fresh'
  | 'renewed'
  | 'unchanged'
  | 'mirrored'
  | 'busy'
  | 'backing-off'
  | 'too-soon'
  | 'failed';

/** What the rules must know beside the record. */
export type RenewalPolicy = {
  /** `accountOf` the app as it is configured now. */
  readonly account: string;
  readonly mode: RenewalMode;
  readonly tickMs: number;
  /** Whether WeChat has a call that checks the value: it has none for tickets. */
  readonly canProbe: boolean;
  /** How often the value is checked although nothing speaks against it; 0 = never. */
  readonly probeMs: number;
};

export function policyOf(
  credential: Credential,
  record: CredentialRecord,
  now: number,
  schedule: Schedule,
): RenewalPolicy {
  return {
    account: accountOf(credential.app),
    mode: renewalModeOf(credential, record, now, schedule.refreshAfterMs),
    tickMs: schedule.timing.tickMs,
    canProbe: credential.name === 'access-token',
    probeMs: schedule.probeMs,
  };
}

/** What the caller wants beyond a plain tick. */
export type RenewalRequest = {
  /** Renew now, whatever the age. */
  readonly force?: boolean;
  /** Fingerprint of a value that WeChat rejected, as an app reports or as we met it ourselves. A suspicion, not a proof. */
  readonly rejected?: string;
  /** A ticket was refused for its access token, and that has been checked, or renewed, since. */
  readonly accessTokenChecked?: boolean;
  /** Fingerprint of a token that WeChat accepts, but grants no ticket for (-1000). */
  readonly ticketsRefused?: string;
  /** What an attempt would be made with; differs from the failed attempt's when operators changed something. */
  readonly attemptFingerprint?: string | undefined;
};

/** Rotations of one credential are this far apart, forced ones and those for another cause than time. */
const ROTATION_SPACING_MS = 30_000;
/** Longer than one probe takes with all its attempts: one check at a time, however many reports come. */
const PROBE_SPACING_MS = 15_000;
/** WeChat's limit unless its count says another: docs/wechat.md#classic-token. */
const CALLS_PER_DAY = 2_000;
/** Of the day's calls, the share that other causes than time may use. */
const AUTOMATIC_SHARE = 0.1;

type RuleInput = {
  readonly record: CredentialRecord;
  readonly now: number;
  readonly policy: RenewalPolicy;
  readonly request: RenewalRequest;
};
type Rule = (input: RuleInput) => Decision | undefined;

/**
 * Decides what one credential needs at `now` (epoch ms). Pure and total: the first rule that applies wins.
 * The order is the point: a held lease is left alone; a forced refresh passes the backoff; a backoff passes
 * everything that merely is due; what only is suspected is probed first; the mirror is repaired when nothing is due, or
 * while a renewal is backing off; and what is healthy is probed from time to time.
 */
export function decide(
  record: CredentialRecord,
  now: number,
  policy: RenewalPolicy,
  request: RenewalRequest = {},
): Decision {
  const input = { record, now, policy, request };
  for (const rule of rules) {
    const decision = rule(input);
    if (decision) return decision;
  }
  return { action: 'skip', reason: 'healthy' };
}

const leaseHeld: Rule = ({ record, now }) =>
  record.leaseUntil > now ? { action: 'wait', reason: 'lease-held', untilMs: record.leaseUntil } : undefined;

/** The attempt that was refused for its access token is made once more, unless another refresher has made it good. */
const accessTokenChecked: Rule = ({ record, request }) =>
  request.accessTokenChecked && record.failure
    ? { action: 'renew', reason: 'access-token-checked' }
    : undefined;

const forced: Rule = ({ record, now, policy, request }) => {
  if (!request.force) return undefined;
  // Whatever attempt ended after this request was made also answers it: any number of callers make one call.
  if (record.current && record.current.renewedAt >= now) {
    return { action: 'skip', reason: 'renewed-while-waiting' };
  }
  if (record.failure && record.failure.at >= now && record.nextAttemptAt > now) {
    return { action: 'wait', reason: 'backing-off', untilMs: record.nextAttemptAt };
  }
  const nextForceAt = record.forcedAt + ROTATION_SPACING_MS;
  if (record.forcedAt > 0 && now < nextForceAt) {
    return { action: 'wait', reason: 'forced-recently', untilMs: nextForceAt };
  }
  const { mode } = policy;
  if (
    mode.kind === 'sticky' &&
    mode.forcedPerDay !== undefined &&
    countForToday(record.forcedAt, record.forcedToday, now) >= mode.forcedPerDay
  ) {
    return { action: 'wait', reason: 'forced-quota-spent', untilMs: startOfNextBeijingDay(now) };
  }
  return { action: 'renew', reason: 'forced' };
};

/** A wait for the next attempt yields to a changed secret, token or app, and never holds up the mirror. */
const notYet: Rule = (input) => {
  const { record, now, policy, request } = input;
  if (record.nextAttemptAt <= now) return undefined;
  const changed = record.failure
    ? request.attemptFingerprint !== undefined &&
      request.attemptFingerprint !== record.failure.attemptFingerprint
    : belongsToAnotherApp(record, policy);
  if (changed) return undefined;
  if (isMirrorBehind(input)) return { action: 'mirror', reason: 'mirror-behind' };
  if (record.failure) return { action: 'wait', reason: 'backing-off', untilMs: record.nextAttemptAt };
  const ended = record.current !== undefined && record.current.expiresAt <= now;
  return ended
    ? { action: 'wait', reason: 'awaiting-successor', untilMs: record.nextAttemptAt }
    : { action: 'skip', reason: 'just-checked' };
};

const noValue: Rule = ({ record, policy }) => {
  if (!record.current) return { action: 'renew', reason: 'no-value' };
  if (belongsToAnotherApp(record, policy)) return { action: 'renew', reason: 'app-changed' };
  return undefined;
};

const validityUnknown: Rule = ({ record }) =>
  record.validityUnknown ? { action: 'renew', reason: 'validity-unknown' } : undefined;

const due: Rule = ({ record, now, policy }) => {
  if (!record.current || now < dueAt(record.current, policy.mode)) return undefined;
  return { action: 'renew', reason: now < record.current.expiresAt ? 'due' : 'expired' };
};

/** What failed is made good: the call may have been forced before anything was due, and it brings the same value or a better one. */
const retry: Rule = ({ record, policy: { mode } }) =>
  record.failure && mode.kind === 'sticky' ? { action: 'renew', reason: 'retry' } : undefined;

/** When it may not be renewed any more on this day, it is at least asked about again: an acceptance ends the rejection. */
const rejected: Rule = (input) => {
  const { record, now } = input;
  if (record.rejectedAt === 0) return undefined;
  const renewal = renewAutomatically(input, 'rejected-by-wechat');
  if (renewal) return renewal;
  return now >= record.probedAt + PROBE_SPACING_MS
    ? { action: 'probe', reason: 'suspected' }
    : { action: 'wait', reason: 'rotation-budget-spent', untilMs: startOfNextBeijingDay(now) };
};

/** WeChat counted a call that was not ours: our token is in its last five minutes (docs/wechat.md#is-a-token-still-valid). */
const rotatedByAnotherClient: Rule = (input) =>
  unhandledExcess(input.record, input.now) > 0
    ? renewAutomatically(input, 'rotated-by-another-client')
    : undefined;

const ticketsRefused: Rule = (input) =>
  input.record.current?.fingerprint === input.request.ticketsRefused && input.request.ticketsRefused
    ? renewAutomatically(input, 'tickets-refused')
    : undefined;

/**
 * A renewal for another cause than time: apart from the one before, and not more than a tenth of the day's calls; then
 * `undefined`, so that the value is still probed and mirrored.
 */
function renewAutomatically({ record, now }: RuleInput, reason: Reason): Decision | undefined {
  const automatic = countForToday(record.automaticAt, record.automaticToday, now);
  if (automatic >= automaticBudget(record)) return undefined;
  const { automaticAt, forcedAt, current } = record;
  const nextAt = Math.max(automaticAt, forcedAt, current?.renewedAt ?? 0) + ROTATION_SPACING_MS;
  return now < nextAt
    ? { action: 'wait', reason: 'rotated-recently', untilMs: nextAt }
    : { action: 'renew', reason };
}

/** How many renewals a day other causes than time may have. */
export function automaticBudget({ callsPerDay }: CredentialRecord): number {
  return Math.max(1, Math.floor((callsPerDay || CALLS_PER_DAY) * AUTOMATIC_SHARE));
}

/** Calls of other clients on this Beijing day that have not been acted upon. */
function unhandledExcess(record: CredentialRecord, now: number): number {
  return countForToday(record.countedAt, record.excessCalls - record.excessCallsHandled, now);
}

/** Only what is still current; a thousand reports of one token make one probe. */
const reported: Rule = (input) => {
  const { record, now, policy, request } = input;
  const { current, probedAt } = record;
  if (!current || request.rejected !== current.fingerprint) return undefined;
  if (!policy.canProbe) return renewAutomatically(input, 'reported-rejected');
  const nextProbeAt = probedAt + PROBE_SPACING_MS;
  if (now >= nextProbeAt) return { action: 'probe', reason: 'reported-rejected' };
  return current.confirmedAt >= probedAt
    ? { action: 'skip', reason: 'report-unfounded' }
    : { action: 'wait', reason: 'being-checked', untilMs: nextProbeAt };
};

const suspected: Rule = ({ record, now }) =>
  record.suspectedAt > 0 && now >= record.probedAt + PROBE_SPACING_MS
    ? { action: 'probe', reason: 'suspected' }
    : undefined;

/** The count that later ones are compared with, as soon as may be. */
const countPending: Rule = ({ record, now, policy: { canProbe, probeMs, mode } }) => {
  const counts = canProbe && probeMs > 0 && mode.kind === 'rotating' && now >= record.countUnavailableUntil;
  return record.countPending && counts && now >= record.probedAt + PROBE_SPACING_MS
    ? { action: 'probe', reason: 'healthy' }
    : undefined;
};

const mirrorBehind: Rule = (input) =>
  isMirrorBehind(input) ? { action: 'mirror', reason: 'mirror-behind' } : undefined;

const awaitingSuccessor: Rule = ({ record, now, policy }) => {
  const untilMs = successorDueWithinTick(record, now, policy);
  return untilMs === undefined ? undefined : { action: 'wait', reason: 'awaiting-successor', untilMs };
};

/**
 * `probeMs` after WeChat last showed that it accepts the value, and once a tick, however often the tick is delivered. Half
 * a tick of slack, because ticks come a little early or late.
 */
const probeDue: Rule = ({ record: { current, probedAt }, now, policy }) => {
  const { canProbe, probeMs, tickMs } = policy;
  if (!current || !canProbe || probeMs === 0) return undefined;
  const isDue = now - current.confirmedAt >= probeMs - tickMs / 2 && now - probedAt >= tickMs / 2;
  return isDue ? { action: 'probe', reason: 'healthy' } : undefined;
};

const rules: readonly Rule[] = [
  leaseHeld,
  accessTokenChecked,
  forced,
  notYet,
  noValue,
  validityUnknown,
  due,
  retry,
  rejected,
  rotatedByAnotherClient,
  ticketsRefused,
  reported,
  mirrorBehind,
  awaitingSuccessor,
  suspected,
  countPending,
  probeDue,
];

/** When a value that is sticky to its end has its successor (epoch ms), if that is less than a tick away: the caller may wait for it. */
export function successorDueWithinTick(
  { current }: CredentialRecord,
  now: number,
  { mode, tickMs }: RenewalPolicy,
): number | undefined {
  if (!current || mode.kind !== 'sticky' || mode.renewsBeforeEndMs > 0) return undefined;
  const successorAt = dueAt(current, mode);
  return successorAt - now <= tickMs ? successorAt : undefined;
}

/** A value that must not be served must not be mirrored either. */
function isMirrorBehind({ record, now, policy }: RuleInput): boolean {
  const valid = record.current && now < record.current.expiresAt && record.rejectedAt === 0;
  const servable = valid === true && !belongsToAnotherApp(record, policy);
  return servable && record.mirroredVersion < record.version;
}

function belongsToAnotherApp(record: CredentialRecord, policy: RenewalPolicy): boolean {
  return record.current !== undefined && !belongsTo(record.current, policy.account);
}
