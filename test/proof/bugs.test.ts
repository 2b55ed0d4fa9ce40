import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { bugs } from './bugs.ts';
import type { Catch } from './catch-bugs.ts';

/** The model has teeth. */

let caught: Catch[];
beforeAll(async () => {
  const script = fileURLToPath(new URL('./catch-bugs.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  caught = JSON.parse(stdout);
}, 120_000);

const storiesFor = (name: string) => caught.find(({ bug }) => bug === name)?.stories;

describe('within 300 stories the model catches', () => {
  test.each(bugs)('$name', ({ name }) => {
    expect(storiesFor(name)).toBeGreaterThan(0);
  });
});

test('and nothing in the same copy without a bug', () => {
  expect(storiesFor('none')).toBeNull();
});
