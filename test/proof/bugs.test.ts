import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { type Bug, bugs } from './bugs.ts';

/** The model has teeth: each bug is put into a copy of the project, and the property must fail there within its runs. */

const run = promisify(execFile);
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const COPIED = ['package.json', 'functions', 'test/support', 'test/proof', 'test/wechat-simulator'];
const folder = mkdtempSync(join(tmpdir(), 'bugs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function copyWith(bug: Bug | undefined, name: string): string {
  const copy = join(folder, name);
  for (const each of COPIED) cpSync(join(PROJECT, each), join(copy, each), { recursive: true });
  symlinkSync(join(PROJECT, 'node_modules'), join(copy, 'node_modules'));
  if (bug) {
    const file = join(copy, bug.file);
    const [before = '', after, ...more] = readFileSync(file, 'utf8').split(bug.find);
    if (after === undefined || more.length > 0)
      throw new Error(`${bug.file} must have this exactly once: ${bug.find}`);
    writeFileSync(file, before + bug.replace + after);
  }
  return copy;
}

/** What 1,000 runs of the property say in that copy. */
async function judge(copy: string): Promise<string> {
  const { stdout } = await run(process.execPath, ['test/proof/model/check.ts', '1000', '42'], { cwd: copy });
  return stdout;
}

describe.concurrent('the model catches', () => {
  test.for(bugs.map((bug, index) => ({ ...bug, index })))('$name', async (bug) => {
    const said = await judge(copyWith(bug, String(bug.index)));
    expect(said).toMatch(/^Property failed after \d+ tests\n\{ seed: 42, path: "/);
  });
});

test('the model catches nothing in a copy without a bug', async () => {
  expect(await judge(copyWith(undefined, 'sound'))).toMatch(/^1000 runs/);
});
