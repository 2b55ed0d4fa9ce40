import fc from 'fast-check';
import { externalEvents, internalEvents } from './commands.ts';
import { Scenario } from './scenario.ts';

const size = { maxCommands: 16, size: 'max' } as const;
/** Half of them without external events, because stricter invariants hold then. */
const eventSequences = fc.oneof(
  fc.commands([...internalEvents], size),
  fc.commands([...internalEvents, ...externalEvents], size),
);
/** The lifetime may change: docs/wechat.md#transport. */
const lifetimes = fc.constantFrom(7_200, 7_200, 3_600, 900);

/** Totals over all runs of the property. */
export type PropertyTotals = { runs: number; events: number; upstreamCalls: number; healingTicks: number };

/**
 * In any scenario no value is served longer than WeChat has granted it, and when all faults have ended everything heals within
 * `HEALING_TICKS`.
 *
 * @throws Error with the seed, the path and the shortest scenario that violates this
 */
export async function everyScenarioHeals(
  parameters: Pick<fc.Parameters, 'numRuns' | 'seed' | 'endOnFailure'>,
): Promise<PropertyTotals> {
  const totals: PropertyTotals = { runs: 0, events: 0, upstreamCalls: 0, healingTicks: 0 };
  await fc.assert(
    fc.asyncProperty(eventSequences, lifetimes, async (events, lifetimeSeconds) => {
      const scenario = new Scenario(lifetimeSeconds);
      await fc.asyncModelRun(() => ({ model: {}, real: scenario }), events);
      await scenario.settle();
      totals.runs++;
      totals.events += [...events].length;
      totals.upstreamCalls += scenario.upstreamCalls;
      totals.healingTicks = Math.max(totals.healingTicks, scenario.invariants.healingTicks);
    }),
    parameters,
  );
  return totals;
}
