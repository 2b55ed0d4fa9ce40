import { expect, test } from 'vitest';
import type { IssuedValue } from '../../functions/core/credential.ts';
import { dueAt, type RenewalMode, validUntil } from '../../functions/core/rules/lifetimes.ts';

// 2026-01-01 00:00:00 UTC.
const T0 = 1_767_225_600_000;
const rotating: RenewalMode = { kind: 'rotating', refreshAfterMs: 6_000_000 };
const stable: RenewalMode = { kind: 'sticky', renewsBeforeEndMs: 300_000, forcedPerDay: 20 };
const ticket: RenewalMode = { kind: 'sticky', renewsBeforeEndMs: 0 };

const current: IssuedValue = {
  value: 'v',
  fingerprint: 'f'.repeat(64),
  account: 'wx1',
  issuedAt: T0,
  expiresAt: 1_767_232_800_000,
  renewedAt: T0,
  confirmedAt: T0,
};

test.each([
  ['a rotating value with the full lifetime', rotating, 7_200_000, 6_000_000],
  ['a rotating value with a shorter lifetime', rotating, 3_600_000, 3_000_000],
  ['a rotating value without a lifetime', rotating, 0, 0],
  ['a rotating value that expired before it was issued', rotating, -1_000, -1_000],
  ['a stable token with the full lifetime', stable, 7_200_000, 6_901_000],
  ['a stable token with a lifetime of less than five minutes', stable, 240_000, 201_000],
  ['a ticket', ticket, 7_200_000, 7_201_000],
])('%s: when it is due', (_name, mode, lifetimeMs, dueMs) => {
  expect(dueAt({ ...current, expiresAt: T0 + lifetimeMs }, mode)).toBe(T0 + dueMs);
});

test.each([
  ['stays valid for five minutes', 6_000_000, false, 6_300_000],
  ['stays valid to its own end at most', 7_100_000, false, 7_200_000],
  ['is invalid at once if WeChat has rejected it', 6_000_000, true, 6_000_000],
])('a value that was replaced %s', (_name, ageMs, wasRejected, untilMs) => {
  expect(validUntil(current, T0 + ageMs, wasRejected)).toBe(T0 + untilMs);
});
