import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  blankRecord,
  type CredentialRecord,
  discardImplausibleInstants,
  type IssuedValue,
} from '../../functions/core/credential.ts';
import {
  type Decision,
  decide as decidePlausible,
  type RenewalPolicy,
  type RenewalRequest,
} from '../../functions/core/renewal.ts';
import type { RenewalMode } from '../../functions/core/rules/lifetimes.ts';

// 2026-01-01 00:00:00 UTC, in ms. Every instant below is literal, so that no test computes what it checks.
const T0 = 1_767_225_600_000;
const rotating: RenewalMode = { kind: 'rotating', refreshAfterMs: 6_000_000 };
const stable: RenewalMode = { kind: 'sticky', renewsBeforeEndMs: 300_000, forcedPerDay: 20 };
const ticket: RenewalMode = { kind: 'sticky', renewsBeforeEndMs: 0 };

const current: IssuedValue = {
  value: 'v',
  fingerprint: 'f'.repeat(64),
  account: 'wx1',
  issuedAt: 1_767_225_600_000,
  expiresAt: 1_767_232_800_000,
  renewedAt: 1_767_225_600_500,
  confirmedAt: 1_767_225_600_000,
};
/** A day ahead of T0. */
const fromTheFuture: IssuedValue = {
  ...current,
  issuedAt: 1_767_312_000_000,
  renewedAt: 1_767_312_000_000,
  expiresAt: 1_767_319_200_000,
};
const healthy: CredentialRecord = {
  ...blankRecord('shop/access-token'),
  version: 3,
  mirroredVersion: 3,
  leaseId: 'old-lease',
  current,
};
const failure = {
  count: 1,
  kind: 'transient',
  code: '-1',
  message: 'busy',
  at: T0,
  attemptFingerprint: 'wx1 classic 1',
} as const;

type Row = {
  name: string;
  record?: Partial<CredentialRecord>;
  mode?: RenewalMode;
  policy?: Partial<RenewalPolicy>;
  now: number;
  request?: RenewalRequest;
  expected: Decision;
};

/** As the steps call it: on a record without implausible instants. */
function decide(record: CredentialRecord, now: number, policy: RenewalPolicy, request?: RenewalRequest) {
  return decidePlausible(discardImplausibleInstants(record, now), now, policy, request);
}

const skip = (reason: Decision['reason']): Decision => ({ action: 'skip', reason });
const renew = (reason: Decision['reason']): Decision => ({ action: 'renew', reason });
const wait = (reason: Decision['reason'], untilMs: number): Decision => ({ action: 'wait', reason, untilMs });

const rows: Row[] = [
  { name: 'a classic token just fetched is healthy', now: 1_767_225_600_000, expected: skip('healthy') },
  { name: 'one second before minute 100 it still is', now: 1_767_231_599_000, expected: skip('healthy') },
  { name: 'at minute 100 it is due', now: 1_767_231_600_000, expected: renew('due') },
  { name: 'one ms before its end it is due', now: 1_767_232_799_999, expected: renew('due') },
  { name: 'at its end it is expired', now: 1_767_232_800_000, expected: renew('expired') },
  { name: 'years later it is expired', now: 4_102_444_800_000, expected: renew('expired') },
  {
    name: 'a clock that is set back ten minutes renews nothing',
    now: 1_767_225_000_000,
    expected: skip('healthy'),
  },
  {
    name: 'a token of 3600 s is due at five sixths',
    record: { current: { ...current, expiresAt: 1_767_229_200_000 } },
    now: 1_767_228_600_000,
    expected: renew('due'),
  },
  {
    name: 'and not a second sooner',
    record: { current: { ...current, expiresAt: 1_767_229_200_000 } },
    now: 1_767_228_599_000,
    expected: skip('healthy'),
  },
  {
    name: 'a lifetime of more than 7200 s changes nothing',
    record: { current: { ...current, expiresAt: 1_767_312_000_000 } },
    now: 1_767_231_600_000,
    expected: renew('due'),
  },
  {
    name: 'a stable token is not due at minute 100',
    mode: stable,
    now: 1_767_231_600_000,
    expected: skip('healthy'),
  },
  { name: 'nor with 300 s left', mode: stable, now: 1_767_232_500_000, expected: skip('healthy') },
  { name: 'but with 299 s left', mode: stable, now: 1_767_232_501_000, expected: renew('due') },
  {
    name: 'a stable token that WeChat returned with 400 s left is due 101 s later',
    mode: stable,
    record: { current: { ...current, expiresAt: 1_767_226_000_000 } },
    now: 1_767_225_701_000,
    expected: renew('due'),
  },
  {
    name: 'and not a second sooner',
    mode: stable,
    record: { current: { ...current, expiresAt: 1_767_226_000_000 } },
    now: 1_767_225_700_000,
    expected: skip('healthy'),
  },
  {
    name: "the demo's stable token of 120 s is due with 19 s left",
    mode: stable,
    record: { current: { ...current, expiresAt: 1_767_225_720_000 } },
    now: 1_767_225_701_000,
    expected: renew('due'),
  },
  {
    name: 'a ticket with more than a tick left is healthy',
    mode: ticket,
    now: 1_767_232_740_000,
    expected: skip('healthy'),
  },
  {
    name: 'a ticket that ends within the tick is waited for',
    mode: ticket,
    now: 1_767_232_741_000,
    expected: wait('awaiting-successor', 1_767_232_801_000),
  },
  {
    name: 'at its very end WeChat may still return it',
    mode: ticket,
    now: 1_767_232_800_000,
    expected: wait('awaiting-successor', 1_767_232_801_000),
  },
  {
    name: 'a second later it is renewed',
    mode: ticket,
    now: 1_767_232_801_000,
    expected: renew('expired'),
  },
  { name: 'no value yet', record: { current: undefined as never }, now: T0, expected: renew('no-value') },
  {
    name: 'a held lease is respected, even by a forced refresh',
    record: { leaseUntil: 1_767_232_900_000 },
    now: 1_767_232_899_999,
    request: { force: true },
    expected: wait('lease-held', 1_767_232_900_000),
  },
  {
    name: 'an expired lease is taken over',
    record: { leaseUntil: 1_767_232_900_000 },
    now: 1_767_232_900_000,
    expected: renew('expired'),
  },
  {
    name: 'a forced refresh renews a healthy token',
    now: 1_767_225_700_000,
    request: { force: true },
    expected: renew('forced'),
  },
  {
    name: 'a renewal that ended after the request of a forced refresh satisfies it',
    now: 1_767_225_600_500,
    request: { force: true },
    expected: skip('renewed-while-waiting'),
  },
  {
    name: 'a second forced refresh within 30 s is too soon',
    record: { forcedAt: 1_767_225_700_000 },
    now: 1_767_225_729_999,
    request: { force: true },
    expected: wait('forced-recently', 1_767_225_730_000),
  },
  {
    name: 'after 30 s it is not',
    record: { forcedAt: 1_767_225_700_000 },
    now: 1_767_225_730_000,
    request: { force: true },
    expected: renew('forced'),
  },
  {
    name: "a stable token's twenty-first forced refresh of the day waits for midnight in Beijing",
    mode: stable,
    record: { forcedAt: 1_767_225_700_000, forcedToday: 20 },
    now: 1_767_229_000_000,
    request: { force: true },
    expected: wait('forced-quota-spent', 1_767_283_200_000),
  },
  {
    name: 'when the count starts again',
    mode: stable,
    record: { forcedAt: 1_767_225_700_000, forcedToday: 20 },
    now: 1_767_283_200_000,
    request: { force: true },
    expected: renew('forced'),
  },
  {
    name: 'after a failure, attempts back off',
    record: { failure, nextAttemptAt: 1_767_231_630_000 },
    now: 1_767_231_629_999,
    expected: wait('backing-off', 1_767_231_630_000),
  },
  {
    name: 'and start again after the backoff',
    record: { failure, nextAttemptAt: 1_767_231_630_000 },
    now: 1_767_231_630_000,
    expected: renew('due'),
  },
  {
    name: 'a forced refresh skips the backoff',
    record: { failure, nextAttemptAt: 1_767_231_630_000 },
    now: 1_767_231_610_000,
    request: { force: true },
    expected: renew('forced'),
  },
  {
    name: 'a secret that operators changed skips the backoff',
    record: { failure, nextAttemptAt: 1_767_231_630_000 },
    now: 1_767_231_610_000,
    request: { attemptFingerprint: 'wx1 classic 2' },
    expected: renew('due'),
  },
  {
    name: 'the same secret does not',
    record: { failure, nextAttemptAt: 1_767_231_630_000 },
    now: 1_767_231_610_000,
    request: { attemptFingerprint: 'wx1 classic 1' },
    expected: wait('backing-off', 1_767_231_630_000),
  },
  {
    name: 'a report does not skip the backoff: a thousand of them would be a thousand calls',
    record: { failure, nextAttemptAt: 1_767_231_630_000 },
    now: 1_767_231_610_000,
    request: { rejected: 'f'.repeat(64) },
    expected: wait('backing-off', 1_767_231_630_000),
  },
  {
    name: 'a backoff does not delay the mirror',
    record: { failure, nextAttemptAt: 1_767_231_630_000, mirroredVersion: 2 },
    now: 1_767_231_610_000,
    expected: { action: 'mirror', reason: 'mirror-behind' },
  },
  {
    name: 'a mirror that is behind is repaired',
    record: { mirroredVersion: 2 },
    now: T0,
    expected: { action: 'mirror', reason: 'mirror-behind' },
  },
  {
    name: 'but a renewal that is due comes first, for it mirrors too',
    record: { mirroredVersion: 2 },
    now: 1_767_231_600_000,
    expected: renew('due'),
  },
  {
    name: 'a report of the current value has it probed',
    now: T0 + 60_000,
    request: { rejected: 'f'.repeat(64) },
    expected: { action: 'probe', reason: 'reported-rejected' },
  },
  {
    name: 'a report right after a probe that WeChat accepted is unfounded, without a call',
    record: { probedAt: T0, current: { ...current, confirmedAt: T0 } },
    now: T0 + 14_999,
    request: { rejected: 'f'.repeat(64) },
    expected: skip('report-unfounded'),
  },
  {
    name: 'a report while the probe is under way waits for it',
    record: { probedAt: T0 + 60_000 },
    now: T0 + 61_000,
    request: { rejected: 'f'.repeat(64) },
    expected: { action: 'wait', reason: 'being-checked', untilMs: T0 + 75_000 },
  },
  {
    name: 'a report of a ticket, which WeChat cannot be asked about, renews it',
    mode: ticket,
    policy: { canProbe: false },
    now: T0 + 60_000,
    request: { rejected: 'f'.repeat(64) },
    expected: renew('reported-rejected'),
  },
  {
    name: 'a value that WeChat rejected is renewed',
    record: { rejectedAt: T0 + 50_000 },
    now: T0 + 60_000,
    expected: renew('rejected-by-wechat'),
  },
  {
    name: 'but not within 30 s of the last rotation',
    record: { rejectedAt: T0 + 20_000 },
    now: T0 + 30_499,
    expected: { action: 'wait', reason: 'rotated-recently', untilMs: 1_767_225_630_500 },
  },
  {
    name: 'nor within 30 s of the last renewal for another cause than time',
    record: { rejectedAt: T0 + 80_000, automaticAt: T0 + 70_000, automaticToday: 1 },
    now: T0 + 99_999,
    expected: { action: 'wait', reason: 'rotated-recently', untilMs: 1_767_225_700_000 },
  },
  {
    name: 'nor when other causes than time have used a tenth of the day',
    record: { rejectedAt: T0 + 80_000, automaticAt: T0 + 10_000, automaticToday: 200, probedAt: T0 + 90_000 },
    now: T0 + 99_999,
    // 2026-01-02 00:00 in Beijing.
    expected: { action: 'wait', reason: 'rotation-budget-spent', untilMs: 1_767_283_200_000 },
  },
  {
    name: 'a tenth of the 200 calls of a test account is 20',
    record: {
      rejectedAt: T0 + 80_000,
      automaticAt: T0 + 10_000,
      automaticToday: 20,
      callsPerDay: 200,
      probedAt: T0 + 90_000,
    },
    now: T0 + 99_999,
    expected: { action: 'wait', reason: 'rotation-budget-spent', untilMs: 1_767_283_200_000 },
  },
  {
    name: 'then it is only asked about again',
    record: { rejectedAt: T0 + 80_000, automaticAt: T0 + 10_000, automaticToday: 200, probedAt: T0 + 80_000 },
    now: T0 + 99_999,
    expected: { action: 'probe', reason: 'suspected' },
  },
  {
    name: 'nor does a call of another client keep it from being probed',
    record: {
      countedAt: T0 + 60_000,
      excessCalls: 1,
      automaticAt: T0 + 10_000,
      automaticToday: 200,
      suspectedAt: T0 + 60_000,
    },
    now: T0 + 99_999,
    expected: { action: 'probe', reason: 'suspected' },
  },
  {
    name: 'its age renews it all the same',
    record: { rejectedAt: T0 + 80_000, automaticAt: T0 + 10_000, automaticToday: 200 },
    now: T0 + 6_000_000,
    expected: renew('due'),
  },
  {
    name: 'a call of another client has the value renewed while it is valid',
    record: { countedAt: T0 + 60_000, excessCalls: 1 },
    now: T0 + 60_000,
    expected: renew('rotated-by-another-client'),
  },
  {
    name: 'once',
    record: { countedAt: T0 + 60_000, excessCalls: 1, excessCallsHandled: 1 },
    now: T0 + 60_000,
    expected: skip('healthy'),
  },
  {
    name: 'and not on the next day in Beijing',
    record: {
      countedAt: 1_767_283_199_000,
      excessCalls: 1,
      current: { ...current, issuedAt: 1_767_283_000_000, expiresAt: 1_767_290_200_000 },
    },
    now: 1_767_283_200_000,
    expected: skip('healthy'),
  },
  {
    name: 'a suspected value is probed again',
    record: { suspectedAt: T0 + 50_000, probedAt: T0 + 50_000 },
    now: T0 + 65_000,
    expected: { action: 'probe', reason: 'suspected' },
  },
  {
    name: 'a report of an older value does not',
    now: T0,
    request: { rejected: 'e'.repeat(64) },
    expected: skip('healthy'),
  },
  {
    name: 'a value whose validity is unknown is renewed',
    record: { validityUnknown: true },
    now: T0,
    expected: renew('validity-unknown'),
  },
  {
    name: 'a report of it adds nothing, and is no sign of another client',
    record: { validityUnknown: true },
    now: T0,
    request: { rejected: 'f'.repeat(64) },
    expected: renew('validity-unknown'),
  },
  {
    name: 'a value of another account is replaced',
    policy: { account: 'wx2' },
    now: T0,
    expected: renew('app-changed'),
  },
  {
    name: 'but not during the backoff of the new account',
    policy: { account: 'wx2' },
    record: { failure, nextAttemptAt: 1_767_225_630_000 },
    now: T0,
    request: { attemptFingerprint: 'wx1 classic 1' },
    expected: wait('backing-off', 1_767_225_630_000),
  },
  {
    name: 'a lease that a wrong clock has written does not last for ever',
    record: { leaseUntil: 1_767_312_000_000 },
    now: 1_767_231_600_000,
    expected: renew('due'),
  },
  {
    name: 'nor does such a backoff',
    record: { failure, nextAttemptAt: 1_767_312_000_000 },
    now: 1_767_231_600_000,
    expected: renew('due'),
  },
  {
    name: 'a value from the future is not trusted',
    record: { current: fromTheFuture },
    now: T0,
    expected: renew('validity-unknown'),
  },
  {
    name: 'and does not satisfy a forced refresh',
    record: { current: fromTheFuture },
    now: T0,
    request: { force: true },
    expected: renew('forced'),
  },
  {
    name: 'a failure that ended after the request of a forced refresh answers it',
    record: { failure: { ...failure, at: 1_767_231_600_000 }, nextAttemptAt: 1_767_231_630_000 },
    now: 1_767_231_600_000,
    request: { force: true },
    expected: wait('backing-off', 1_767_231_630_000),
  },
  {
    name: "another account's value is not mirrored while the new account's fetch backs off",
    policy: { account: 'wx2' },
    record: { failure, nextAttemptAt: 1_767_225_630_000, mirroredVersion: 2 },
    now: T0,
    request: { attemptFingerprint: 'wx1 classic 1' },
    expected: wait('backing-off', 1_767_225_630_000),
  },
  {
    name: 'a value that WeChat has just returned unchanged is not requested twice in a tick',
    mode: stable,
    record: { nextAttemptAt: 1_767_232_540_000 },
    now: 1_767_232_520_000,
    expected: skip('just-checked'),
  },
];

describe('decide', () => {
  test.each(rows.map((row) => [row.name, row] as const))(
    '%s',
    (_name, { record, mode = rotating, policy, now, request, expected }) => {
      const full = { account: 'wx1', tickMs: 60_000, canProbe: true, probeMs: 0, mode, ...policy };
      expect(decide({ ...healthy, ...record }, now, full, request)).toEqual(expected);
    },
  );
});

test.each([
  ['is probed by a tick that comes a little early', 4.6, 0, 300_000, true],
  ['is not probed by the tick before', 3.6, 0, 300_000, false],
  ['is not probed twice in a tick', 5, 4.9, 300_000, false],
  ['is probed again by the next tick if there was no answer', 6, 5, 300_000, true],
  ['is probed even if a clock that was a day ahead has recorded a probe', 5, 1_440, 300_000, true],
  ['is not probed when probes are off', 60, 0, 0, false],
])('a token %s', (_name, minutes, probedAfterMinutes, probeMs, expected) => {
  const probedAt = probedAfterMinutes > 0 ? T0 + probedAfterMinutes * 60_000 : 0;
  const policy = { account: 'wx1', tickMs: 60_000, canProbe: true, probeMs, mode: rotating };
  const { action } = decide({ ...healthy, probedAt }, T0 + minutes * 60_000, policy);
  expect(action).toBe(expected ? 'probe' : 'skip');
});

describe('for any record, time and request', () => {
  const instant = fc.integer({ min: T0 - 10_000_000, max: T0 + 20_000_000 });
  const anyRecord = fc
    .record({
      hasValue: fc.boolean(),
      expiresAt: instant,
      leaseUntil: fc.oneof(fc.constant(0), instant),
      nextAttemptAt: fc.oneof(fc.constant(0), instant),
      hasFailure: fc.boolean(),
      mirroredVersion: fc.integer({ min: 0, max: 3 }),
      validityUnknown: fc.boolean(),
      forcedAt: fc.oneof(fc.constant(0), instant),
      forcedToday: fc.integer({ min: 0, max: 25 }),
    })
    .map(({ hasValue, expiresAt, hasFailure, ...rest }): CredentialRecord => {
      const { current: _none, ...blank } = { ...healthy, ...rest };
      return {
        ...blank,
        ...(hasValue && { current: { ...current, expiresAt } }),
        ...(hasFailure && { failure }),
      };
    });
  const anyPolicy = fc
    .constantFrom(rotating, stable, ticket)
    .map(
      (mode): RenewalPolicy => ({ account: 'wx1', tickMs: 60_000, canProbe: true, probeMs: 300_000, mode }),
    );
  const anyRequest = fc.constantFrom<RenewalRequest>({}, { force: true }, { rejected: 'f'.repeat(64) });

  test('a held lease is respected', () => {
    fc.assert(
      fc.property(anyRecord, instant, anyPolicy, anyRequest, (record, now, policy, request) => {
        const { action } = decide(record, now, policy, request);
        // No lease lasts longer than a quarter of an hour: a longer one was written by a wrong clock, or by hand.
        if (record.leaseUntil > now && record.leaseUntil - now <= 900_000) expect(action).toBe('wait');
      }),
    );
  });

  test('a wait has an end in the future, and no other action has one', () => {
    fc.assert(
      fc.property(anyRecord, instant, anyPolicy, anyRequest, (record, now, policy, request) => {
        const { action, untilMs } = decide(record, now, policy, request);
        expect(untilMs !== undefined).toBe(action === 'wait');
        if (untilMs !== undefined) expect(untilMs).toBeGreaterThan(now);
      }),
    );
  });

  test('a tick after lease and backoff renews every value that has ended', () => {
    fc.assert(
      fc.property(anyRecord, anyPolicy, (record, policy) => {
        const now = Math.max(
          record.leaseUntil,
          record.nextAttemptAt,
          (record.current?.expiresAt ?? 0) + 1_000,
        );
        expect(decide(record, now, policy).action).toBe('renew');
      }),
    );
  });
});
