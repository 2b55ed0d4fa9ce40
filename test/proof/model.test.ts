import { expect, test } from 'vitest';
import { HEALING_TICKS } from './model/invariants.ts';
import { anyStoryHeals } from './model/property.ts';

/** `npm run test:soak` asks for more, and for other stories each time; here nobody's change shall depend on luck. */
const runs = Number(process.env['MODEL_RUNS'] ?? 1_000);
const seed = process.env['MODEL_RUNS'] === undefined ? 20_261_123 : Date.now() & 0x7fffffff;

test(`${runs} stories, with all that can happen in them: what is served is what WeChat promised, and all heals`, {
  timeout: 120_000 + runs * 50,
}, async () => {
  const { events, upstreamCalls, healingTicks } = await anyStoryHeals({ numRuns: runs, seed });
  console.log(
    `Seed ${seed}: ${runs} stories with ${events} events and ${upstreamCalls} calls to WeChat; healed in ${healingTicks} ticks at most.`,
  );
  expect(events).toBeGreaterThan(runs);
  expect(healingTicks).toBeLessThanOrEqual(HEALING_TICKS);
});
