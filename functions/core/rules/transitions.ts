import { type CredentialRecord, fingerprintOf, type IssuedValue } from '../credential.ts';
import type { SourceError } from '../errors.ts';
import type { DailyCalls, Fetched } from '../ports.ts';
import { type RenewalMode, reportsRemainingLifetime, validUntil } from './lifetimes.ts';
import { countForToday, sinceBeijingMidnightMs, startOfNextBeijingDay } from './quota-day.ts';
import { backoffMs } from './timing.ts';

/** Every way in which a record changes. Pure: each returns the whole next record, which the store swaps in. */

/** A refresher takes the credential to renew or mirror it; no other touches it before `leaseUntil`. */
export function leased(
  record: CredentialRecord,
  lease: {
    leaseId: string;
    now: number;
    leaseUntil: number;
    countsAsRequest: boolean;
    mayInvalidate: boolean;
    forced: boolean;
    notifiesRotation: boolean;
    /** For another cause than time. */
    automatic: boolean;
  },
): CredentialRecord {
  return {
    ...record,
    leaseId: lease.leaseId,
    leaseUntil: lease.leaseUntil,
    validityUnknown: record.validityUnknown || lease.mayInvalidate,
    ...(lease.notifiesRotation && { rotationNotifiedAt: lease.now }),
    ...(lease.countsAsRequest && {
      requestedAt: lease.now,
      requestsToday: countForToday(record.requestedAt, record.requestsToday, lease.now) + 1,
    }),
    ...(lease.automatic && {
      automaticAt: lease.now,
      automaticToday: countForToday(record.automaticAt, record.automaticToday, lease.now) + 1,
    }),
    ...(lease.forced && countForced(record, lease.now)),
  };
}

/** WeChat counts forced refreshes by the Beijing day. */
export function countForced(record: CredentialRecord, now: number) {
  return { forcedAt: now, forcedToday: countForToday(record.forcedAt, record.forcedToday, now) + 1 };
}

/** WeChat granted a value that we did not have. The lease stays until the mirror is written. */
export function renewed(
  record: CredentialRecord,
  grant: Fetched,
  facts: { account: string; issuedAt: number; renewedAt: number; wasRotated: boolean },
): CredentialRecord {
  const { failure: _over, current: replaced, previous: _gone, ...rest } = record;
  const { account, issuedAt, renewedAt, wasRotated } = facts;
  // Of two rotations within five minutes the second one ends the overlap of the first.
  const isInvalid = wasRotated || record.rejectedAt > 0;
  return {
    ...rest,
    ...answered(record, grant),
    version: record.version + 1,
    rejectedAt: 0,
    nextAttemptAt: 0,
    ...(replaced?.account === account && {
      previous: {
        fingerprint: replaced.fingerprint,
        validUntil: validUntil(replaced, renewedAt, isInvalid),
      },
    }),
    current: {
      value: grant.value,
      fingerprint: fingerprintOf(grant.value),
      account,
      issuedAt,
      expiresAt: issuedAt + grant.expiresInSeconds * 1000,
      renewedAt,
      confirmedAt: issuedAt,
    },
  };
}

/** What every answer with a grant changes. */
function answered(record: CredentialRecord, grant: Fetched) {
  return {
    validityUnknown: false,
    suspectedAt: 0,
    // One was counted when the attempt began.
    requestsToday: record.requestsToday + grant.upstreamCalls - 1,
    excessCallsHandled: record.excessCalls,
    countPending: record.countPending || record.rejectedAt > 0,
    classicQuotaBackAt: grant.classicQuotaBackAt ?? record.classicQuotaBackAt,
  };
}

/**
 * WeChat returned the value that we have, which shows it valid; one that WeChat rejected is suspected still. A token's answer has the seconds that are really left;
 * that of a credential sticky to its end may say 7200 at any age, so it can shorten a lifetime but never extend it.
 */
export function unchanged(
  record: CredentialRecord,
  current: IssuedValue,
  grant: Fetched,
  context: { now: number; tickMs: number; mode: RenewalMode },
): CredentialRecord {
  const { failure: _over, ...rest } = record;
  const { now, mode, tickMs } = context;
  const saidEnd = now + grant.expiresInSeconds * 1000;
  const lifetime = reportsRemainingLifetime(mode)
    ? { issuedAt: now, expiresAt: saidEnd }
    : { expiresAt: Math.min(current.expiresAt, saidEnd) };
  const confirmed = { ...current, ...lifetime, confirmedAt: now };
  // A duplicate of this tick must not ask again; the next tick may. Past the end every second counts at first; later it is
  // our clock that is ahead, by an unknown time, so we wait as long again as it has taken already.
  const pastEndMs = now - confirmed.expiresAt;
  const spacingMs = Math.min(tickMs / 2, pastEndMs < 0 ? tickMs / 2 : Math.max(2_000, pastEndMs));
  return {
    ...rest,
    // A mirror that is behind is written next, under the same lease.
    leaseUntil: pastEndMs < 0 && record.mirroredVersion < record.version ? record.leaseUntil : 0,
    ...answered(record, grant),
    current: confirmed,
    rejectedAt: 0,
    suspectedAt: record.rejectedAt > 0 ? now : 0,
    nextAttemptAt: now + spacingMs,
  };
}

/** A refresher is about to probe the value. No lease: a forced refresh need not wait for the answer. */
export function probing(record: CredentialRecord, probe: { id: string; now: number }): CredentialRecord {
  return { ...record, leaseId: probe.id, probedAt: probe.now };
}

/** WeChat accepts the value. */
export function confirmed(record: CredentialRecord, current: IssuedValue, now: number): CredentialRecord {
  return { ...record, suspectedAt: 0, rejectedAt: 0, current: { ...current, confirmedAt: now } };
}

/** WeChat rejected the value once: readers keep it briefly until more is known. */
export function suspected(record: CredentialRecord, now: number): CredentialRecord {
  return { ...record, suspectedAt: record.suspectedAt || now };
}

/** WeChat rejected the value again and again: it is not served any more. */
export function rejected(record: CredentialRecord, now: number): CredentialRecord {
  return { ...record, suspectedAt: 0, rejectedAt: now };
}

/** A count may lag, by an unknown time: only after it may a lower excess be believed. */
const COUNT_SETTLES_MS = 3_600_000;
/** Clocks differ: just after midnight one of the two counts may still be yesterday's. */
const DAY_SETTLES_MS = 120_000;

/**
 * WeChat's count of the day, beside ours. What it has beyond ours are other clients' calls. Ours is an upper bound, for a call
 * whose answer was lost may not have been counted; so the excess can be too low, and once no call of ours is recent, it is
 * what later counts are compared with.
 */
export function counted(
  record: CredentialRecord,
  calls: DailyCalls | undefined,
  now: number,
): CredentialRecord {
  if (!calls) return { ...record, countPending: false, countUnavailableUntil: startOfNextBeijingDay(now) };
  if (sinceBeijingMidnightMs(now) < DAY_SETTLES_MS) return record;
  const excessCalls = calls.used - countForToday(record.requestedAt, record.requestsToday, now);
  // A call of ours just before midnight may be in WeChat's count of the new day, and not in ours.
  const midnight = now - sinceBeijingMidnightMs(now);
  const spansMidnight =
    record.countedAt < midnight &&
    record.requestedAt < midnight &&
    record.requestedAt > midnight - DAY_SETTLES_MS;
  const known =
    record.countPending || spansMidnight
      ? excessCalls
      : countForToday(record.countedAt, record.excessCallsHandled, now);
  const settled = now - record.requestedAt >= COUNT_SETTLES_MS;
  const excessCallsHandled = settled ? Math.min(known, excessCalls) : known;
  const grew = excessCalls > excessCallsHandled;
  return {
    ...record,
    callsPerDay: calls.limit,
    countedAt: now,
    excessCalls: Math.max(excessCalls, excessCallsHandled),
    excessCallsHandled,
    countPending: false,
    // The value is in its last minutes: readers keep it briefly.
    suspectedAt: grew ? record.suspectedAt || now : record.suspectedAt,
  };
}

/** The attempt failed: the old value stays, the next attempt is drawn once and stored. */
export function failed(
  record: CredentialRecord,
  error: SourceError,
  context: {
    endedAt: number;
    tickMs: number;
    random: number;
    attemptFingerprint: string;
    validityUnknown: boolean;
    /** The attempt was a renewal for another cause than time. */
    rotatesAutomatically: boolean;
    /** What operators have been notified of now, if they are. */
    notifiedErrors: string | undefined;
  },
): CredentialRecord {
  const count = (record.failure?.count ?? 0) + 1;
  const { code, kind, message, refusedIp, rid } = error;
  const { endedAt, attemptFingerprint } = context;
  return {
    ...released(record),
    validityUnknown: context.validityUnknown,
    nextAttemptAt: endedAt + backoffMs(kind, count, context.random, context.tickMs),
    // It was counted when it began.
    requestsToday: record.requestsToday + error.upstreamCalls - 1,
    // What cannot have rotated anything does not use the budget of the day.
    automaticToday: record.automaticToday - (context.rotatesAutomatically && !error.mayHaveRotated ? 1 : 0),
    ...(context.notifiedErrors !== undefined && {
      notifiedErrors: context.notifiedErrors,
      errorNotifiedAt: endedAt,
    }),
    failure: {
      count,
      kind,
      code,
      message,
      at: endedAt,
      attemptFingerprint,
      ...(refusedIp !== undefined && { refusedIp }),
      ...(rid !== undefined && { rid }),
    },
  };
}

/** The mirror shows this version. */
export function mirrored(record: CredentialRecord): CredentialRecord {
  return { ...released(record), mirroredVersion: record.version };
}

/** The lease is given back, so that the next tick need not wait for its end. */
export function released(record: CredentialRecord): CredentialRecord {
  return { ...record, leaseUntil: 0 };
}
