import { expect, test } from 'vitest';
import { HEALING_TICKS } from './model/invariants.ts';
import { everyScenarioHeals } from './model/property.ts';

/** The default seed is fixed, so that `npm test` gives the same result each time; `npm run test:soak` draws new scenarios. */
const runs = Number(process.env['MODEL_RUNS'] ?? 1_000);
const seed = process.env['MODEL_RUNS'] === undefined ? 20_261_123 : Date.now() & 0x7fffffff;

test(`in ${runs} drawn scenarios nothing is served longer than WeChat has granted it, and everything heals`, {
  timeout: 120_000 + runs * 50,
}, async () => {
  const { events, upstreamCalls, healingTicks } = await everyScenarioHeals({ numRuns: runs, seed });
  console.log(
    `Seed ${seed}: ${runs} scenarios with ${events} events and ${upstreamCalls} calls to WeChat; healed in ${healingTicks} ticks at most.`,
  );
  expect(events).toBeGreaterThan(runs);
  expect(healingTicks).toBeLessThanOrEqual(HEALING_TICKS);
});
