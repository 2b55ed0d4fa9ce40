import { describe, expect, test } from 'vitest';
import { bugs } from './bugs.ts';
import { storiesUntilCaught } from './mutant.ts';

/** The model has teeth. */

describe.concurrent('within 500 stories the model catches', () => {
  test.for(bugs)('$name', { timeout: 90_000 }, async (bug) => {
    expect(await storiesUntilCaught(bug)).toBeTypeOf('number');
  });
});

test('and nothing in the same copy without a bug', { timeout: 90_000 }, async () => {
  expect(await storiesUntilCaught(undefined)).toMatch(/^500 stories, \d+ events, nothing found/);
});
