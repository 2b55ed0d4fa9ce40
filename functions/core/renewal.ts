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
  | 'rotation-unconfirmed'
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
 * everything that merely is due; and the mirror is repaired whenever no renewal is under way.
 */
export function decide(
  record: CredentialRecord,
  now: number,
  policy: RenewalPolicy,
  demand: Demand = {},
): Decision {
  const situation = { record, now, policy, demand };
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
  if (record.current && record.current.renewedAt >= now) {
    return { action: 'skip', reason: 'renewed-while-waiting' };
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
const notYet: Rule = ({ record, now, policy, demand }) => {
  if (record.nextAttemptAt <= now) return undefined;
  const changedByOps = record.failure
    ? demand.inputs !== undefined && demand.inputs !== record.failure.inputs
    : belongsToAnotherApp(record, policy);
  if (changedByOps) return undefined;
  if (mirrorBehind(record)) return { action: 'mirror', reason: 'mirror-behind' };
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

/** A refresher died, or lost the answer, after it may have rotated: our value has five minutes left at most. */
const rotationUnconfirmed: Rule = ({ record }) =>
  record.rotationUnconfirmed ? { action: 'renew', reason: 'rotation-unconfirmed' } : undefined;

const reportedDead: Rule = ({ record, demand }) =>
  demand.rejected !== undefined && demand.rejected === record.current?.fingerprint
    ? { action: 'renew', reason: 'reported-dead' }
    : undefined;

const due: Rule = ({ record, now, policy }) => {
  if (!record.current || now < dueAt(record.current, policy.renewal)) return undefined;
  return { action: 'renew', reason: now < record.current.expiresAt ? 'due' : 'expired' };
};

const behind: Rule = ({ record }) =>
  mirrorBehind(record) ? { action: 'mirror', reason: 'mirror-behind' } : undefined;

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
  rotationUnconfirmed,
  reportedDead,
  due,
  behind,
  awaitsItsEnd,
];

function mirrorBehind(record: CredentialRecord): boolean {
  return record.mirroredVersion < record.version;
}

function belongsToAnotherApp(record: CredentialRecord, policy: RenewalPolicy): boolean {
  return record.current !== undefined && !belongsTo(record.current, policy.appId);
}
