import { forcedOnDayOf, startOfNextBeijingDay } from './beijing-day.ts';
import { belongsTo, type CredentialRecord } from './credential.ts';
import { dueAt, type Renewal } from './due.ts';

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
  | 'value-in-doubt'
  | 'reported-dead'
  | 'expired'
  | 'due'
  | 'awaits-its-end'
  | 'mirror-behind'
  | 'healthy';

export type RenewalPolicy = {
  readonly appId: string;
  readonly renewal: Renewal;
  readonly tickMs: number;
};

/** What the caller wants beyond a plain tick. */
export type Demand = {
  /** Renew now, whatever the age. */
  readonly force?: boolean;
  /** Fingerprint of a value that WeChat refused an app. */
  readonly rejected?: string;
  /** What an attempt would be made with; differs from the failed attempt's inputs when ops changed something. */
  readonly inputs?: string;
};

const FORCED_SPACING_MS = 30_000;

type Situation = {
  readonly record: CredentialRecord;
  readonly now: number;
  readonly policy: RenewalPolicy;
  readonly demand: Demand;
};
type Rule = (situation: Situation) => Decision | undefined;

/**
 * Decides what one credential needs at `now` (epoch ms). Pure: the first rule that has something to say wins.
 * The order is the point: nobody interferes with a held lease; ops' force passes the backoff; a backoff passes
 * everything that merely is due; and the mirror is repaired when nothing is due, or while a renewal is backing off.
 */
export function decide(
  record: CredentialRecord,
  now: number,
  policy: RenewalPolicy,
  demand: Demand = {},
): Decision {
  const situation = { record: believable(record, now), now, policy, demand };
  for (const rule of rules) {
    const decision = rule(situation);
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
    forcedOnDayOf(record, now) >= renewal.forcedPerDay
  ) {
    return { action: 'wait', reason: 'forced-quota-spent', untilMs: startOfNextBeijingDay(now) };
  }
  return { action: 'renew', reason: 'forced' };
};

/** A wait for the next attempt yields to ops' change of secret or app, and never holds up the mirror. */
const notYet: Rule = (situation) => {
  const { record, now, policy, demand } = situation;
  if (record.nextAttemptAt <= now) return undefined;
  const changedByOps = record.failure
    ? demand.inputs !== undefined && demand.inputs !== record.failure.inputs
    : belongsToAnotherApp(record, policy);
  if (changedByOps) return undefined;
  if (mirrorBehind(situation)) return { action: 'mirror', reason: 'mirror-behind' };
  if (record.failure) return { action: 'wait', reason: 'backing-off', untilMs: record.nextAttemptAt };
  const ended = record.current !== undefined && record.current.expiresAt <= now;
  return ended
    ? { action: 'wait', reason: 'awaits-its-end', untilMs: record.nextAttemptAt }
    : { action: 'skip', reason: 'just-checked' };
};

const noValue: Rule = ({ record, policy }) => {
  if (!record.current) return { action: 'renew', reason: 'no-value' };
  if (belongsToAnotherApp(record, policy)) return { action: 'renew', reason: 'app-changed' };
  return undefined;
};

const valueInDoubt: Rule = ({ record }) =>
  record.valueInDoubt ? { action: 'renew', reason: 'value-in-doubt' } : undefined;

const reportedDead: Rule = ({ record, demand }) =>
  demand.rejected !== undefined && demand.rejected === record.current?.fingerprint
    ? { action: 'renew', reason: 'reported-dead' }
    : undefined;

const due: Rule = ({ record, now, policy }) => {
  if (!record.current || now < dueAt(record.current, policy.renewal)) return undefined;
  return { action: 'renew', reason: now < record.current.expiresAt ? 'due' : 'expired' };
};

const behind: Rule = (situation) =>
  mirrorBehind(situation) ? { action: 'mirror', reason: 'mirror-behind' } : undefined;

/** Sticky to the very end: the caller may stay for that moment when it is less than a tick away. */
const awaitsItsEnd: Rule = ({ record, now, policy }) => {
  if (!record.current || policy.renewal.kind !== 'sticky') return undefined;
  const untilMs = dueAt(record.current, policy.renewal);
  return policy.renewal.renewsBeforeEndMs === 0 && untilMs - now <= policy.tickMs
    ? { action: 'wait', reason: 'awaits-its-end', untilMs }
    : undefined;
};

const rules: readonly Rule[] = [
  leaseHeld,
  forced,
  notYet,
  noValue,
  valueInDoubt,
  reportedDead,
  due,
  behind,
  awaitsItsEnd,
];

/** A value that must not be served must not be mirrored either. */
function mirrorBehind({ record, now, policy }: Situation): boolean {
  const servable = record.current && now < record.current.expiresAt && !belongsToAnotherApp(record, policy);
  return servable === true && record.mirroredVersion < record.version;
}

function belongsToAnotherApp(record: CredentialRecord, policy: RenewalPolicy): boolean {
  return record.current !== undefined && !belongsTo(record.current, policy.appId);
}

/** No lease or wait that we write is longer. */
const LONGEST_WAIT_MS = 15 * 60_000;

/**
 * The record without instants that nobody can have written by a right clock: a lease or a backoff without an end, or a
 * value from the future, would otherwise keep a credential from ever being renewed.
 */
function believable(record: CredentialRecord, now: number): CredentialRecord {
  const possible = (instant: number) => (instant - now > LONGEST_WAIT_MS ? 0 : instant);
  const { current } = record;
  const fromTheFuture = current !== undefined && possible(current.issuedAt) === 0 && current.issuedAt > 0;
  return {
    ...record,
    leaseUntil: possible(record.leaseUntil),
    nextAttemptAt: possible(record.nextAttemptAt),
    forcedAt: possible(record.forcedAt),
    ...(fromTheFuture && { valueInDoubt: true, current: { ...current, renewedAt: 0 } }),
  };
}
