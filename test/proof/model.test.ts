import { expect, test } from 'vitest';
import { HEALING_TICKS } from './model/judge.ts';
import { anyStoryHeals } from './model/property.ts';

/** `npm run test:soak` asks for more. */
const runs = Number(process.env['MODEL_RUNS'] ?? 1_000);

test(`${runs} stories, with all that can happen in them: what is served is what WeChat promised, and all heals`, {
  timeout: 120_000 + runs * 50,
}, async () => {
  const { events, upstreamCalls, healingTicks } = await anyStoryHeals({ numRuns: runs });
  console.log(
    `${runs} stories with ${events} events and ${upstreamCalls} calls to WeChat; healed in ${healingTicks} ticks at most.`,
  );
  expect(events).toBeGreaterThan(runs);
  expect(healingTicks).toBeLessThanOrEqual(HEALING_TICKS);
});
