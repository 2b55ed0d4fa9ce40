import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { CredentialRecord, Failure, FailureKind, IssuedValue } from '../core/credential.ts';

export type Item = Record<string, AttributeValue>;

/** The record as the table holds it: flat, because ops read it in the console. Instants are epoch ms. */
export function toItem(record: CredentialRecord): Item {
  const { current, failure } = record;
  return {
    id: text(record.id),
    version: number(record.version),
    mirroredVersion: number(record.mirroredVersion),
    leaseId: text(record.leaseId),
    leaseUntil: number(record.leaseUntil),
    valueInDoubt: { BOOL: record.valueInDoubt },
    nextAttemptAt: number(record.nextAttemptAt),
    failureCount: number(failure?.count ?? 0),
    forcedAt: number(record.forcedAt),
    forcedToday: number(record.forcedToday),
    ...(current && {
      value: text(current.value),
      fingerprint: text(current.fingerprint),
      ...(current.appId !== undefined && { appId: text(current.appId) }),
      issuedAt: number(current.issuedAt),
      expiresAt: number(current.expiresAt),
      renewedAt: number(current.renewedAt),
    }),
    ...(failure && {
      failureKind: text(failure.kind),
      failureInputs: text(failure.inputs),
      lastError: {
        M: { code: text(failure.code), message: text(failure.message), at: number(failure.at) },
      },
    }),
  };
}

/** Reads an item, tolerant of what is missing: a record that cannot be read could never be renewed either. */
export function fromItem(item: Item): CredentialRecord {
  const current = issuedValueOf(item);
  const failure = failureOf(item);
  return {
    id: textOf(item, 'id') ?? '',
    version: numberOf(item, 'version'),
    mirroredVersion: numberOf(item, 'mirroredVersion'),
    leaseId: textOf(item, 'leaseId') ?? '',
    leaseUntil: numberOf(item, 'leaseUntil'),
    valueInDoubt: item['valueInDoubt']?.BOOL ?? false,
    nextAttemptAt: numberOf(item, 'nextAttemptAt'),
    forcedAt: numberOf(item, 'forcedAt'),
    forcedToday: numberOf(item, 'forcedToday'),
    ...(current && { current }),
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
    appId: textOf(item, 'appId'),
    issuedAt: numberOf(item, 'issuedAt'),
    expiresAt: numberOf(item, 'expiresAt'),
    renewedAt: numberOf(item, 'renewedAt'),
  };
}

function failureOf(item: Item): Failure | undefined {
  const lastError = item['lastError']?.M;
  const count = numberOf(item, 'failureCount');
  if (!lastError || count === 0) return undefined;
  return {
    count,
    kind: (textOf(item, 'failureKind') ?? 'transient') as FailureKind,
    code: textOf(lastError, 'code') ?? 'unknown',
    message: textOf(lastError, 'message') ?? '',
    at: numberOf(lastError, 'at'),
    inputs: textOf(item, 'failureInputs') ?? '',
  };
}

const text = (value: string): AttributeValue => ({ S: value });
const number = (value: number): AttributeValue => ({ N: String(value) });

function textOf(item: Item, name: string): string | undefined {
  return item[name]?.S;
}

function numberOf(item: Item, name: string): number {
  const value = Number(item[name]?.N ?? 0);
  return Number.isFinite(value) ? value : 0;
}
