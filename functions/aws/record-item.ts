import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type {
  CredentialRecord,
  Failure,
  FailureKind,
  IssuedValue,
  PreviousValue,
} from '../core/credential.ts';

export type Item = Record<string, AttributeValue>;

/** The record as the table holds it: flat, because operators read it in the console (docs/architecture.md#the-tables-item). */
export function toItem(record: CredentialRecord): Item {
  const { current, previous, failure } = record;
  return {
    id: text(record.id),
    version: number(record.version),
    mirroredVersion: number(record.mirroredVersion),
    leaseId: text(record.leaseId),
    leaseUntil: number(record.leaseUntil),
    validityUnknown: { BOOL: record.validityUnknown },
    suspectedAt: number(record.suspectedAt),
    rejectedAt: number(record.rejectedAt),
    nextAttemptAt: number(record.nextAttemptAt),
    failureCount: number(failure?.count ?? 0),
    forcedAt: number(record.forcedAt),
    forcedToday: number(record.forcedToday),
    requestedAt: number(record.requestedAt),
    requestsToday: number(record.requestsToday),
    automaticAt: number(record.automaticAt),
    automaticToday: number(record.automaticToday),
    callsPerDay: number(record.callsPerDay),
    countedAt: number(record.countedAt),
    excessCalls: number(record.excessCalls),
    excessCallsHandled: number(record.excessCallsHandled),
    countPending: { BOOL: record.countPending },
    countUnavailableUntil: number(record.countUnavailableUntil),
    probedAt: number(record.probedAt),
    classicQuotaBackAt: number(record.classicQuotaBackAt),
    rotationNotifiedAt: number(record.rotationNotifiedAt),
    notifiedErrors: text(record.notifiedErrors),
    errorNotifiedAt: number(record.errorNotifiedAt),
    ...(previous && {
      previousFingerprint: text(previous.fingerprint),
      previousValidUntil: number(previous.validUntil),
    }),
    ...(current && {
      value: text(current.value),
      fingerprint: text(current.fingerprint),
      ...(current.account !== undefined && { account: text(current.account) }),
      issuedAt: number(current.issuedAt),
      expiresAt: number(current.expiresAt),
      renewedAt: number(current.renewedAt),
      confirmedAt: number(current.confirmedAt),
    }),
    ...(failure && {
      failureKind: text(failure.kind),
      failureAttempt: text(failure.attemptFingerprint),
      lastError: {
        M: {
          code: text(failure.code),
          message: text(failure.message),
          at: number(failure.at),
          ...(failure.refusedIp !== undefined && { refusedIp: text(failure.refusedIp) }),
          ...(failure.rid !== undefined && { rid: text(failure.rid) }),
        },
      },
    }),
  };
}

/** Reads an item, tolerant of what is missing: a record that cannot be read could never be renewed either. */
export function fromItem(item: Item): CredentialRecord {
  const current = issuedValueOf(item);
  const previous = previousValueOf(item);
  const failure = failureOf(item);
  return {
    id: textOf(item, 'id') ?? '',
    version: numberOf(item, 'version'),
    mirroredVersion: numberOf(item, 'mirroredVersion'),
    leaseId: textOf(item, 'leaseId') ?? '',
    leaseUntil: numberOf(item, 'leaseUntil'),
    validityUnknown: item['validityUnknown']?.BOOL ?? false,
    suspectedAt: numberOf(item, 'suspectedAt'),
    rejectedAt: numberOf(item, 'rejectedAt'),
    nextAttemptAt: numberOf(item, 'nextAttemptAt'),
    forcedAt: numberOf(item, 'forcedAt'),
    forcedToday: numberOf(item, 'forcedToday'),
    requestedAt: numberOf(item, 'requestedAt'),
    requestsToday: numberOf(item, 'requestsToday'),
    automaticAt: numberOf(item, 'automaticAt'),
    automaticToday: numberOf(item, 'automaticToday'),
    callsPerDay: numberOf(item, 'callsPerDay'),
    countedAt: numberOf(item, 'countedAt'),
    excessCalls: numberOf(item, 'excessCalls'),
    excessCallsHandled: numberOf(item, 'excessCallsHandled'),
    countPending: item['countPending']?.BOOL ?? false,
    countUnavailableUntil: numberOf(item, 'countUnavailableUntil'),
    probedAt: numberOf(item, 'probedAt'),
    classicQuotaBackAt: numberOf(item, 'classicQuotaBackAt'),
    rotationNotifiedAt: numberOf(item, 'rotationNotifiedAt'),
    notifiedErrors: textOf(item, 'notifiedErrors') ?? '',
    errorNotifiedAt: numberOf(item, 'errorNotifiedAt'),
    ...(current && { current }),
    ...(previous && { previous }),
    ...(failure && { failure }),
  };
}

function issuedValueOf(item: Item): IssuedValue | undefined {
  const value = textOf(item, 'value');
  const fingerprint = textOf(item, 'fingerprint');
  if (!value || !fingerprint) return undefined;
  return {
    value,
    fingerprint,
    account: textOf(item, 'account'),
    issuedAt: numberOf(item, 'issuedAt'),
    expiresAt: numberOf(item, 'expiresAt'),
    renewedAt: numberOf(item, 'renewedAt'),
    confirmedAt: numberOf(item, 'confirmedAt'),
  };
}

function previousValueOf(item: Item): PreviousValue | undefined {
  const fingerprint = textOf(item, 'previousFingerprint');
  return fingerprint ? { fingerprint, validUntil: numberOf(item, 'previousValidUntil') } : undefined;
}

function failureOf(item: Item): Failure | undefined {
  const lastError = item['lastError']?.M;
  const count = numberOf(item, 'failureCount');
  const refusedIp = lastError && textOf(lastError, 'refusedIp');
  const rid = lastError && textOf(lastError, 'rid');
  if (!lastError || count === 0) return undefined;
  return {
    count,
    kind: (textOf(item, 'failureKind') ?? 'transient') as FailureKind,
    code: textOf(lastError, 'code') ?? 'unknown',
    message: textOf(lastError, 'message') ?? '',
    at: numberOf(lastError, 'at'),
    attemptFingerprint: textOf(item, 'failureAttempt') ?? '',
    ...(refusedIp !== undefined && { refusedIp }),
    ...(rid !== undefined && { rid }),
  };
}

export const text = (value: string): AttributeValue => ({ S: value });
export const number = (value: number): AttributeValue => ({ N: String(value) });

export function textOf(item: Item, name: string): string | undefined {
  return item[name]?.S;
}

export function numberOf(item: Item, name: string): number {
  const value = Number(item[name]?.N ?? 0);
  return Number.isFinite(value) ? value : 0;
}
