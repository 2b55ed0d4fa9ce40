import { type CredentialRecord, fingerprintOf, type IssuedValue } from '../credential.ts';
import type { SourceError } from '../errors.ts';
import type { Fetched } from '../ports.ts';
import { type RenewalMode, reportsRemainingLifetime, validUntil } from './lifetimes.ts';
import { countForToday } from './quota-day.ts';
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
    ...(lease.forced && {
      forcedAt: lease.now,
      forcedToday: countForToday(record.forcedAt, record.forcedToday, lease.now) + 1,
    }),
  };
}

/** WeChat granted a value that we did not have. The lease stays until the mirror is written. */
export function renewed(
  record: CredentialRecord,
  grant: Fetched,
  facts: { account: string; issuedAt: number; renewedAt: number; wasRejected: boolean },
): CredentialRecord {
  const { failure: _over, current: replaced, previous: _gone, ...rest } = record;
  const { account, issuedAt, renewedAt, wasRejected } = facts;
  return {
    ...rest,
    version: record.version + 1,
    validityUnknown: false,
    nextAttemptAt: 0,
    classicQuotaBackAt: grant.classicQuotaBackAt ?? record.classicQuotaBackAt,
    ...(replaced?.account === account && {
      previous: {
        fingerprint: replaced.fingerprint,
        validUntil: validUntil(replaced, renewedAt, wasRejected),
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

/**
 * WeChat returned the value that we have, which proves it valid. A token's answer has the seconds that are really left;
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
    current: confirmed,
    validityUnknown: false,
    nextAttemptAt: now + spacingMs,
    classicQuotaBackAt: grant.classicQuotaBackAt ?? record.classicQuotaBackAt,
  };
}

/** A refresher is about to probe the value. No lease: a forced refresh need not wait for the answer. */
export function probing(record: CredentialRecord, probe: { id: string; now: number }): CredentialRecord {
  return { ...record, leaseId: probe.id, probedAt: probe.now };
}

/** WeChat accepts the value. */
export function confirmed(record: CredentialRecord, current: IssuedValue, now: number): CredentialRecord {
  return { ...record, current: { ...current, confirmedAt: now } };
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
    notifiesError: boolean;
  },
): CredentialRecord {
  const count = (record.failure?.count ?? 0) + 1;
  const { code, kind, message, refusedIp } = error;
  const { endedAt, attemptFingerprint } = context;
  return {
    ...released(record),
    validityUnknown: context.validityUnknown,
    nextAttemptAt: endedAt + backoffMs(kind, count, context.random, context.tickMs),
    // It was counted when it began.
    requestsToday: error.reachedWechat ? record.requestsToday : record.requestsToday - 1,
    ...(context.notifiesError && { notifiedErrorCode: code, errorNotifiedAt: endedAt }),
    failure: {
      count,
      kind,
      code,
      message,
      at: endedAt,
      attemptFingerprint,
      ...(refusedIp !== undefined && { refusedIp }),
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
