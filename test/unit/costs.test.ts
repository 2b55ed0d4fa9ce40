import { expect, test } from 'vitest';
import { countMonth } from '../../bench/costs/count.ts';
import { costTables } from '../../bench/costs.ts';
import { readResults } from '../../bench/harness/report.ts';

test('docs/costs.md shows what the script computes', async () => {
  // Out of date? `npm run bench:costs` writes it.
  expect(readResults('costs.md', 'bench:costs')).toBe(await costTables());
}, 120_000);

test('apps share nothing but the tick, so three make three times the calls of one', async () => {
  const [one, three] = await Promise.all([countMonth(1), countMonth(3)]);
  expect(three.ticks).toBe(one.ticks);
  for (const what of ['renewals', 'upstreamCalls', 'readUnits', 'writeUnits', 'parameterWrites'] as const) {
    expect(three[what] / one[what], what).toBeCloseTo(3, 1);
  }
});

test('one app makes the calls that the rules promise: 432 tokens, 360 tickets, a probe every three minutes', async () => {
  const { renewals, upstreamCalls, readUnits } = await countMonth(1);
  expect(renewals).toBe(432 + 360);
  expect(upstreamCalls - renewals).toBeLessThanOrEqual(14_400);
  expect(upstreamCalls - renewals).toBeGreaterThan(13_800);
  // Two items each tick, and once more after each wait and for each ticket's token.
  expect(readUnits).toBeLessThan(2 * 43_200 * 1.02);
});
