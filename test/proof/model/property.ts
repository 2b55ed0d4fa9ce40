import fc from 'fast-check';
import { ownEvents, strangeEvents } from './commands.ts';
import { Scenario } from './scenario.ts';

const size = { maxCommands: 16, size: 'max' } as const;
/** Half of them without strangers, because more can be said of those. */
const stories = fc.oneof(
  fc.commands([...ownEvents], size),
  fc.commands([...ownEvents, ...strangeEvents], size),
);
/** "Lifetime may change" (WECHAT.md, Transport). */
const lifetimes = fc.constantFrom(7_200, 7_200, 3_600, 900);

/** What the runs of the property added up to. */
export type Total = { runs: number; events: number; upstreamCalls: number; healingTicks: number };

/**
 * In any story, what is served is what WeChat said would live, and when everything works again all is well within
 * `HEALING_TICKS`. Throws with the seed, the path and the shortest story that fails.
 */
export async function anyStoryHeals(
  parameters: Pick<fc.Parameters, 'numRuns' | 'seed' | 'endOnFailure'>,
): Promise<Total> {
  const total: Total = { runs: 0, events: 0, upstreamCalls: 0, healingTicks: 0 };
  await fc.assert(
    fc.asyncProperty(stories, lifetimes, async (story, lifetimeSeconds) => {
      const scenario = new Scenario(lifetimeSeconds);
      await fc.asyncModelRun(() => ({ model: {}, real: scenario }), story);
      await scenario.settle();
      total.runs++;
      total.events += [...story].length;
      total.upstreamCalls += scenario.upstreamCalls;
      total.healingTicks = Math.max(total.healingTicks, scenario.invariants.healingTicks);
    }),
    parameters,
  );
  return total;
}
