import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Bug, bugs } from './bugs.ts';

/** Puts each bug into a copy of the project, and draws scenarios there until the property fails. */

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** Everything that model/property.ts imports. */
const COPIED = [
  'package.json',
  'functions',
  'bench/harness',
  'test/support',
  'test/proof',
  'local/simulator',
];
/** With this seed the bug that is hardest to find is caught by the 609th scenario. */
const SEED = 1;
export const MAX_SCENARIOS = 1_000;

/** @property scenarios number of the first scenario in which the property failed; null when it did not fail */
export type Catch = { readonly bug: string; readonly file: string; readonly scenarios: number | null };

/** The last element is a copy without a bug. */
export async function catchBugs(): Promise<Catch[]> {
  const caught: Catch[] = [];
  for (const bug of bugs)
    caught.push({ bug: bug.name, file: bug.file, scenarios: await scenariosUntilCaught(bug) });
  return [...caught, { bug: 'none', file: '', scenarios: await scenariosUntilCaught(undefined) }];
}

async function scenariosUntilCaught(bug: Bug | undefined): Promise<number | null> {
  const folder = mkdtempSync(join(tmpdir(), 'bug-'));
  try {
    for (const each of COPIED) cpSync(join(PROJECT, each), join(folder, each), { recursive: true });
    symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
    if (bug) put(bug, folder);
    const copy: typeof import('./model/property.ts') = await import(
      pathToFileURL(join(folder, 'test/proof/model/property.ts')).href
    );
    return await copy.everyScenarioHeals({ numRuns: MAX_SCENARIOS, seed: SEED, endOnFailure: true }).then(
      () => null,
      (error: Error) => {
        const scenarios = /^Property failed after (\d+) tests/.exec(error.message)?.[1];
        // Any other error means that the copy is broken, which is not a catch.
        if (scenarios === undefined) throw error;
        return Number(scenarios);
      },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function put({ file, find, replace }: Bug, folder: string): void {
  const path = join(folder, file);
  const [before = '', after, ...more] = readFileSync(path, 'utf8').split(find);
  if (after === undefined || more.length > 0)
    throw new Error(`${file} must contain this exactly once: ${find}`);
  writeFileSync(path, before + replace + after);
}

// bugs.test.ts runs this file, because vitest would resolve the copy's modules itself.
if (import.meta.main) console.log(JSON.stringify(await catchBugs()));
