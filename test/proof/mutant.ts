import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Bug } from './bugs.ts';

const run = promisify(execFile);
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** The bug that hides best is caught by the 456th. */
const STORIES = 500;
const COPIED = ['package.json', 'functions', 'test/support', 'test/proof', 'test/wechat-simulator'];

/** What the property says in a copy of the project that has the bug: after how many stories it failed, or what else it said. */
export async function storiesUntilCaught(bug: Bug | undefined): Promise<number | string> {
  const folder = mkdtempSync(join(tmpdir(), 'mutant-'));
  try {
    for (const each of COPIED) cpSync(join(PROJECT, each), join(folder, each), { recursive: true });
    symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
    if (bug) put(bug, folder);
    const args = ['test/proof/model/check.ts', String(STORIES), '42'];
    const { stdout } = await run(process.execPath, args, { cwd: folder });
    const [, stories] = /^Property failed after (\d+) tests\n\{ seed: 42, path: "/.exec(stdout) ?? [];
    return stories === undefined ? stdout : Number(stories);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function put({ file, find, replace }: Bug, folder: string): void {
  const path = join(folder, file);
  const [before = '', after, ...more] = readFileSync(path, 'utf8').split(find);
  if (after === undefined || more.length > 0) throw new Error(`${file} must have this exactly once: ${find}`);
  writeFileSync(path, before + replace + after);
}
