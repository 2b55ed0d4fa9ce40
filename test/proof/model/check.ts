import { anyStoryHeals } from './property.ts';

/** Runs the property outside of vitest: `node check.ts <runs> <seed>`. Says what it found first, without shrinking it. */
const [runs, seed] = process.argv.slice(2).map(Number);
try {
  const { events } = await anyStoryHeals({ numRuns: runs ?? 1, seed: seed ?? 0, endOnFailure: true });
  console.log(`${runs} runs, ${events} events, nothing found`);
} catch (error) {
  console.log(error instanceof Error ? `${error.message}\n${error.cause}` : error);
}
