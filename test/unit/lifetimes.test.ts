import { expect, test } from 'vitest';
import { blankRecord, type IssuedValue } from '../../functions/core/credential.ts';
import { dueAt, type Renewal, validUntil } from '../../functions/core/rules/lifetimes.ts';
import { probeIsDue } from '../../functions/core/steps/probe.ts';

// 2026-01-01 00:00:00 UTC.
const T0 = 1_767_225_600_000;
const rotating: Renewal = { kind: 'rotating', refreshAfterMs: 6_000_000 };
const stable: Renewal = { kind: 'sticky', renewsBeforeEndMs: 300_000, forcedPerDay: 20 };
const ticket: Renewal = { kind: 'sticky', renewsBeforeEndMs: 0 };

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
])('%s: when it is due', (_name, renewal, lifetimeMs, dueMs) => {
  expect(dueAt({ ...current, expiresAt: T0 + lifetimeMs }, renewal)).toBe(T0 + dueMs);
});

test.each([
  ['with the tick that comes a little early', 4.6, 0, 300_000, true],
  ['not with the one before', 3.6, 0, 300_000, false],
  ['not twice in a tick', 5, 4.9, 300_000, false],
  ['again in the next one, if nobody answered', 6, 5, 300_000, true],
  ['whatever a clock that was a day ahead has written', 5, 1_440, 300_000, true],
  ['never when it is off', 60, 0, 0, false],
])('a token is probed %s', (_when, minutes, probedAfterMinutes, probeMs, expected) => {
  const probedAt = probedAfterMinutes > 0 ? T0 + probedAfterMinutes * 60_000 : 0;
  const record = { ...blankRecord('shop/access-token'), current, probedAt };
  expect(probeIsDue(record, T0 + minutes * 60_000, { probeMs, tickMs: 60_000 })).toBe(expected);
});

test.each([
  ['for five minutes', 6_000_000, false, 6_300_000],
  ['not past its own end', 7_100_000, false, 7_200_000],
  ['not at all when it was found dead', 6_000_000, true, 6_000_000],
])('a value that was replaced is accepted %s', (_how, ageMs, rejectedFingerprint, untilMs) => {
  expect(validUntil(current, T0 + ageMs, rejectedFingerprint)).toBe(T0 + untilMs);
});
