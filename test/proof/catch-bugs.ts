import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Bug, bugs } from './bugs.ts';

/** Puts each bug into a copy of the project, and plays stories there until the property fails. */

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const COPIED = ['package.json', 'functions', 'test/support', 'test/proof', 'local/simulator'];
/** With this seed the bug that hides best is caught by the 174th. */
const SEED = 1;
export const MAX_STORIES = 300;

/** `stories`: after how many the property failed; null when it did not. */
export type Catch = { readonly bug: string; readonly file: string; readonly stories: number | null };

/** The last one is a copy without a bug. */
export async function catchBugs(): Promise<Catch[]> {
  const caught: Catch[] = [];
  for (const bug of bugs)
    caught.push({ bug: bug.name, file: bug.file, stories: await storiesUntilCaught(bug) });
  return [...caught, { bug: 'none', file: '', stories: await storiesUntilCaught(undefined) }];
}

async function storiesUntilCaught(bug: Bug | undefined): Promise<number | null> {
  const folder = mkdtempSync(join(tmpdir(), 'bug-'));
  try {
    for (const each of COPIED) cpSync(join(PROJECT, each), join(folder, each), { recursive: true });
    symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
    if (bug) put(bug, folder);
    const copy: typeof import('./model/property.ts') = await import(
      pathToFileURL(join(folder, 'test/proof/model/property.ts')).href
    );
    return await copy.anyStoryHeals({ numRuns: MAX_STORIES, seed: SEED, endOnFailure: true }).then(
      () => null,
      (error: Error) => {
        const stories = /^Property failed after (\d+) tests/.exec(error.message)?.[1];
        // Anything else is no catch, and no clean copy either.
        if (stories === undefined) throw error;
        return Number(stories);
      },
    );
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

// For the test, which runs where TypeScript is loaded in another way.
if (import.meta.main) console.log(JSON.stringify(await catchBugs()));
