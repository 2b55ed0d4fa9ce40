import { expect, test } from 'vitest';
import { faults } from '../../bench/availability/faults.ts';
import { beyondBoundSeconds, playMonth } from '../../bench/availability/month.ts';
import { ours } from '../../bench/availability/ours.ts';
import { plainLambda } from '../../bench/availability/plain-lambda.ts';
import { databaseRow, jsonFile } from '../../bench/availability/usual-forms.ts';

/** The first days of what `npm run bench:availability` plays in full; its figures stand in docs/benchmarks.md. */

const DAYS = 9;

test('an outage, a lost answer and ticks that come twice leave no dead second of ours, and hours of others', async () => {
  const our = await playMonth(ours('ours', 'classic'), faults, DAYS);
  expect(our.deadSeconds).toBe(0);
  for (const open of [plainLambda, databaseRow, jsonFile]) {
    const other = await playMonth(open(), faults, DAYS);
    expect(other.deadSeconds, other.name).toBeGreaterThan(3_600);
    expect(other.failedCalls, other.name).toBeGreaterThan(our.failedCalls);
  }
});

test('only what is longer than six minutes at a time counts as beyond the bound', () => {
  const dead = (minutes: number) => Array.from({ length: minutes }, () => 'dead' as const);
  expect(beyondBoundSeconds({ minutes: [...dead(6), 'ok', ...dead(6), 'none', ...dead(8)] })).toBe(120);
});
