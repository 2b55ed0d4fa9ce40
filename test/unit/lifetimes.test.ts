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
  ['rotating, full life', rotating, 7_200_000, 6_000_000],
  ['rotating, a shorter one', rotating, 3_600_000, 3_000_000],
  ['rotating, none left', rotating, 0, 0],
  ['rotating, ended before it began', rotating, -1_000, -1_000],
  ['stable, full life', stable, 7_200_000, 6_901_000],
  ['stable, shorter than the time in which WeChat has another', stable, 240_000, 201_000],
  ['ticket', ticket, 7_200_000, 7_201_000],
])('%s: when it is due', (_name, mode, lifetimeMs, dueMs) => {
  expect(dueAt({ ...current, expiresAt: T0 + lifetimeMs }, mode)).toBe(T0 + dueMs);
});

test.each([
  ['for five minutes', 6_000_000, false, 6_300_000],
  ['not past its own end', 7_100_000, false, 7_200_000],
  ['not at all when WeChat rejected it', 6_000_000, true, 6_000_000],
])('a value that was replaced is accepted %s', (_how, ageMs, wasRejected, untilMs) => {
  expect(validUntil(current, T0 + ageMs, wasRejected)).toBe(T0 + untilMs);
});
