import { belongsTo, type CredentialRecord } from './credential.ts';
import { dueAt, type Renewal } from './rules/lifetimes.ts';
import { countForToday, startOfNextBeijingDay } from './rules/quota-day.ts';

export type Action = 'skip' | 'renew' | 'mirror' | 'wait';

/** What to do with one credential now, and why. `untilMs` says when a `wait` is over. */
export type Decision = {
  readonly action: Action;
  readonly reason: Reason;
  readonly untilMs?: number;
};

export type Reason =
  | 'lease-held'
  | 'renewed-while-waiting'
  | 'forced-recently'
  | 'forced-quota-spent'
  | 'forced'
  | 'backing-off'
  | 'just-checked'
  | 'no-value'
  | 'app-changed'
  | 'validity-unknown'
  | 'reported-rejected'
  | 'rejected-by-wechat'
  | 'expired'
  | 'due'
  | 'awaiting-successor'
  | 'mirror-behind'
  | 'healthy';

export type RenewalPolicy = {
  /** `accountOf` the app as it is configured now. */
  readonly account: string;
  readonly renewal: Renewal;
  readonly tickMs: number;
};

/** What the caller wants beyond a plain tick. */
export type RenewalRequest = {
  /** Renew now, whatever the age. */
  readonly force?: boolean;
  /** Fingerprint of a value that WeChat refused an app, by the app's word. */
  readonly rejected?: string;
  /** Fingerprint of a value that WeChat refused ourselves. */
  readonly rejectedFingerprint?: string;
  /** What an attempt would be made with; differs from the failed attempt's inputs when ops changed something. */
  readonly inputs?: string;
};

const FORCED_SPACING_MS = 30_000;

type RuleInput = {
  readonly record: CredentialRecord;
  readonly now: number;
  readonly policy: RenewalPolicy;
  readonly demand: RenewalRequest;
};
type Rule = (input: RuleInput) => Decision | undefined;

/**
 * Decides what one credential needs at `now` (epoch ms). Pure: the first rule that has something to say wins.
 * The order is the point: nobody interferes with a held lease; ops' force passes the backoff; a backoff passes
 * everything that merely is due; and the mirror is repaired when nothing is due, or while a renewal is backing off.
 */
export function decide(
  record: CredentialRecord,
  now: number,
  policy: RenewalPolicy,
  demand: RenewalRequest = {},
): Decision {
  const input = { record: discardImplausibleInstants(record, now), now, policy, demand };
  for (const rule of rules) {
    const decision = rule(input);
    if (decision) return decision;
  }
  return { action: 'skip', reason: 'healthy' };
}

const leaseHeld: Rule = ({ record, now }) =>
  record.leaseUntil > now ? { action: 'wait', reason: 'lease-held', untilMs: record.leaseUntil } : undefined;

const forced: Rule = ({ record, now, policy, demand }) => {
  if (!demand.force) return undefined;
  // An attempt that ended after the force was asked for has answered it: any number of callers make one call.
  if (record.current && record.current.renewedAt >= now) {
    return { action: 'skip', reason: 'renewed-while-waiting' };
  }
  if (record.failure && record.failure.at >= now && record.nextAttemptAt > now) {
    return { action: 'wait', reason: 'backing-off', untilMs: record.nextAttemptAt };
  }
  const nextForceAt = record.forcedAt + FORCED_SPACING_MS;
  if (record.forcedAt > 0 && now < nextForceAt) {
    return { action: 'wait', reason: 'forced-recently', untilMs: nextForceAt };
  }
  const { renewal } = policy;
  if (
    renewal.kind === 'sticky' &&
    renewal.forcedPerDay !== undefined &&
    countForToday(record.forcedAt, record.forcedToday, now) >= renewal.forcedPerDay
  ) {
    return { action: 'wait', reason: 'forced-quota-spent', untilMs: startOfNextBeijingDay(now) };
  }
  return { action: 'renew', reason: 'forced' };
};

/** A wait for the next attempt yields to ops' change of secret or app, and never holds up the mirror. */
const notYet: Rule = (input) => {
  const { record, now, policy, demand } = input;
  if (record.nextAttemptAt <= now) return undefined;
  const changedByOps = record.failure
    ? demand.inputs !== undefined && demand.inputs !== record.failure.inputs
    : belongsToAnotherApp(record, policy);
  if (changedByOps) return undefined;
  if (mirrorBehind(input)) return { action: 'mirror', reason: 'mirror-behind' };
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

/** Only what is still current: a thousand reports of one token make one renewal. */
const refusedByWechat: Rule = ({ record, demand }) => {
  const fingerprint = record.current?.fingerprint;
  if (fingerprint === undefined) return undefined;
  if (demand.rejectedFingerprint === fingerprint) return { action: 'renew', reason: 'rejected-by-wechat' };
  if (demand.rejected === fingerprint) return { action: 'renew', reason: 'reported-rejected' };
  return undefined;
};

const due: Rule = ({ record, now, policy }) => {
  if (!record.current || now < dueAt(record.current, policy.renewal)) return undefined;
  return { action: 'renew', reason: now < record.current.expiresAt ? 'due' : 'expired' };
};

const behind: Rule = (input) =>
  mirrorBehind(input) ? { action: 'mirror', reason: 'mirror-behind' } : undefined;

const awaitsItsEnd: Rule = ({ record, now, policy }) => {
  const untilMs = successorDueWithinTick(record, now, policy);
  return untilMs === undefined ? undefined : { action: 'wait', reason: 'awaiting-successor', untilMs };
};

const rules: readonly Rule[] = [
  leaseHeld,
  forced,
  notYet,
  noValue,
  validityUnknown,
  refusedByWechat,
  due,
  behind,
  awaitsItsEnd,
];

/** When something sticky to its very end has its successor (epoch ms), if that is less than a tick away: the caller may stay for it. */
export function successorDueWithinTick(
  { current }: CredentialRecord,
  now: number,
  { renewal, tickMs }: RenewalPolicy,
): number | undefined {
  if (!current || renewal.kind !== 'sticky' || renewal.renewsBeforeEndMs > 0) return undefined;
  const turnAt = dueAt(current, renewal);
  return turnAt - now <= tickMs ? turnAt : undefined;
}

/** A value that must not be served must not be mirrored either. */
function mirrorBehind({ record, now, policy }: RuleInput): boolean {
  const servable = record.current && now < record.current.expiresAt && !belongsToAnotherApp(record, policy);
  return servable === true && record.mirroredVersion < record.version;
}

function belongsToAnotherApp(record: CredentialRecord, policy: RenewalPolicy): boolean {
  return record.current !== undefined && !belongsTo(record.current, policy.account);
}

/** No lease or wait that we write is longer. */
const LONGEST_WAIT_MS = 15 * 60_000;
const DAY_MS = 86_400_000;

/**
 * The record without instants that nobody can have written by a right clock: a lease or a backoff without an end, or a
 * value from the future, would otherwise keep a credential from ever being renewed.
 */
export function discardImplausibleInstants(record: CredentialRecord, now: number): CredentialRecord {
  const possible = (instant: number, longestMs = LONGEST_WAIT_MS) =>
    instant - now > longestMs ? 0 : instant;
  const { current } = record;
  const fromTheFuture = current !== undefined && possible(current.issuedAt) === 0 && current.issuedAt > 0;
  return {
    ...record,
    leaseUntil: possible(record.leaseUntil),
    nextAttemptAt: possible(record.nextAttemptAt),
    forcedAt: possible(record.forcedAt),
    probedAt: possible(record.probedAt),
    classicQuotaBackAt: possible(record.classicQuotaBackAt, DAY_MS),
    rotationNotifiedAt: possible(record.rotationNotifiedAt),
    errorNotifiedAt: possible(record.errorNotifiedAt),
    ...(fromTheFuture && { validityUnknown: true, current: { ...current, renewedAt: 0, confirmedAt: 0 } }),
  };
}
