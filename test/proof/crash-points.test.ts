import { afterAll, expect, test } from 'vitest';
import { tryEveryPoint } from './crash-points.ts';
import { stories } from './stories.ts';

let points = 0;
afterAll(() => console.log(`${points} crash points in ${stories.length} stories were tried.`));

test.each(stories)('$name: whatever breaks at any one call, two ticks heal it', async (story) => {
  const tried = await tryEveryPoint(story);
  points += tried.points;
  expect(tried.violations).toEqual([]);
  expect(tried.calls).toBeGreaterThan(1);
});
