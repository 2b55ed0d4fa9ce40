import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { bugs } from './bugs.ts';
import type { Catch } from './catch-bugs.ts';

/** The model's property fails when it should. */

let caught: Catch[];
beforeAll(async () => {
  const script = fileURLToPath(new URL('./catch-bugs.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  caught = JSON.parse(stdout);
}, 240_000);

const scenariosFor = (name: string) => caught.find(({ bug }) => bug === name)?.scenarios;

describe('within 1,000 scenarios the model catches', () => {
  test.each(bugs)('$name', ({ name }) => {
    expect(scenariosFor(name)).toBeGreaterThan(0);
  });
});

test('nothing in the same copy without a bug', () => {
  expect(scenariosFor('none')).toBeNull();
});
