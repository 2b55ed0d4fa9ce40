import { expect, test } from 'vitest';
import { faults } from '../../bench/availability/faults.ts';
import { beyondBoundSeconds, playMonth } from '../../bench/availability/month.ts';
import { ours } from '../../bench/availability/ours.ts';
import { plainLambda } from '../../bench/availability/plain-lambda.ts';
import { databaseRow, jsonFile } from '../../bench/availability/usual-forms.ts';

/** The first days of the month that `npm run bench:availability` plays in full; docs/benchmarks.md shows its figures. */

const DAYS = 9;

test('an outage, a lost answer and duplicate ticks: ours has no invalid token for a second, others for hours', async () => {
  const our = await playMonth(ours('ours', 'classic'), faults, DAYS);
  expect(our.invalidSeconds).toBe(0);
  for (const open of [plainLambda, databaseRow, jsonFile]) {
    const other = await playMonth(open(), faults, DAYS);
    expect(other.invalidSeconds, other.name).toBeGreaterThan(3_600);
    expect(other.failedCalls, other.name).toBeGreaterThan(our.failedCalls);
  }
});

test('only what is longer than six minutes at a time counts as beyond the bound', () => {
  const invalid = (minutes: number) => Array.from({ length: minutes }, () => 'invalid' as const);
  expect(beyondBoundSeconds({ minutes: [...invalid(6), 'ok', ...invalid(6), 'none', ...invalid(8)] })).toBe(
    120,
  );
});
