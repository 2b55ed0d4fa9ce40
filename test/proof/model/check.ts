import { anyStoryHeals } from './property.ts';

/** Runs the property outside of vitest: `node check.ts <stories> <seed>`. Says what it found first, without shrinking it. */
const [stories = 1, seed = 0] = process.argv.slice(2).map(Number);
try {
  const { events } = await anyStoryHeals({ numRuns: stories, seed, endOnFailure: true });
  console.log(`${stories} stories, ${events} events, nothing found`);
} catch (error) {
  console.log(error instanceof Error ? `${error.message}\n${error.cause}` : error);
}
