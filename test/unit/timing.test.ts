import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoffMs } from '../../functions/core/rules/timing.ts';

describe('backoffMs', () => {
  test.each([
    ['transient', 1, 0, 60_000, 2_500],
    ['transient', 1, 0.5, 60_000, 3_750],
    ['transient', 2, 0, 60_000, 5_000],
    ['transient', 5, 0, 60_000, 15_000],
    ['transient', 1_000_000, 0.999_999, 60_000, 30_000],
    ['quota', 9, 0.999_999, 300_000, 120_000],
    ['transient', 9, 0, 1_000, 2_500],
    ['configuration', 1, 0, 60_000, 30_000],
    ['configuration', 2, 0, 60_000, 60_000],
    ['configuration', 1_000_000, 0.999_999, 60_000, 600_000],
  ] as const)('%s failure %i, drawn at %f, tick %i ms: %i ms', (kind, count, random, tickMs, expected) => {
    expect(backoffMs(kind, count, random, tickMs)).toBe(expected);
  });

  test('a transient failure is tried again after half a tick at most, and never later than after two minutes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.integer({ min: 1, max: 5 }),
        (count, random, minutes) => {
          const delay = backoffMs('transient', count, random, minutes * 60_000);
          expect(delay).toBeGreaterThan(0);
          expect(delay).toBeLessThanOrEqual(120_000);
          expect(delay).toBeLessThanOrEqual(minutes * 30_000);
        },
      ),
    );
  });
});
