import type { CredentialRecord, IssuedValue } from '../credential.ts';
import type { SourceError } from '../errors.ts';
import { fingerprintOf } from '../fingerprint.ts';
import type { Fetched } from '../steps/fetch.ts';
import { backoffMs } from './backoff.ts';
import { type Renewal, reportsRemainingLifetime, validUntil } from './lifetimes.ts';
import { countForToday } from './quota-day.ts';

/** Every way in which a record changes. Pure: each returns the whole next record, which the store swaps in. */

/** Somebody takes the credential to renew or mirror it; nobody else touches it before `leaseUntil`. */
export function leased(
  record: CredentialRecord,
  lease: {
    leaseId: string;
    now: number;
    leaseUntil: number;
    asks: boolean;
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
    ...(lease.asks && {
      askedAt: lease.now,
      requestsToday: countForToday(record.askedAt, record.requestsToday, lease.now) + 1,
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
  facts: { account: string; issuedAt: number; renewedAt: number; rejectedFingerprint: boolean },
): CredentialRecord {
  const { failure: _healed, current: replaced, previous: _gone, ...rest } = record;
  const { account, issuedAt, renewedAt, rejectedFingerprint } = facts;
  return {
    ...rest,
    version: record.version + 1,
    validityUnknown: false,
    nextAttemptAt: 0,
    classicQuotaBackAt: grant.classicQuotaBackAt ?? record.classicQuotaBackAt,
    ...(replaced?.account === account && {
      previous: {
        fingerprint: replaced.fingerprint,
        validUntil: validUntil(replaced, renewedAt, rejectedFingerprint),
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
 * WeChat returned the value that we have, which proves it good. A token's answer tells the seconds that are really left;
 * that of a credential sticky to its end may say 7200 at any age, so it can shorten a life but never lengthen it.
 */
export function unchanged(
  record: CredentialRecord,
  current: IssuedValue,
  grant: Fetched,
  context: { now: number; tickMs: number; renewal: Renewal },
): CredentialRecord {
  const { failure: _healed, ...rest } = record;
  const { now, renewal, tickMs } = context;
  const saidEnd = now + grant.expiresInSeconds * 1000;
  const life = reportsRemainingLifetime(renewal)
    ? { issuedAt: now, expiresAt: saidEnd }
    : { expiresAt: Math.min(current.expiresAt, saidEnd) };
  const confirmed = { ...current, ...life, confirmedAt: now };
  // A duplicate of this tick must not ask again; the next tick may. Past the end every second counts at first; later it is
  // our clock that is ahead, nobody knows by how much, so we wait as long again as it has taken already.
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

/** Somebody goes to probe the value. No lease: a forced refresh need not wait for the answer. */
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
    inputs: string;
    validityUnknown: boolean;
    notifiesError: boolean;
    /** Whether the attempt got as far as WeChat; it was counted when it began. */
    asked: boolean;
  },
): CredentialRecord {
  const count = (record.failure?.count ?? 0) + 1;
  return {
    ...released(record),
    validityUnknown: context.validityUnknown,
    nextAttemptAt: context.endedAt + backoffMs(error.kind, count, context.random, context.tickMs),
    requestsToday: context.asked ? record.requestsToday : record.requestsToday - 1,
    ...(context.notifiesError && { notifiedErrorCode: error.code, errorNotifiedAt: context.endedAt }),
    failure: {
      count,
      kind: error.kind,
      code: error.code,
      message: error.message,
      at: context.endedAt,
      inputs: context.inputs,
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
