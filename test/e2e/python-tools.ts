import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const VENV = join(PROJECT, '.venv-e2e');
const REQUIREMENTS = join(PROJECT, 'test/e2e/requirements.txt');
const MARKER = join(VENV, 'installed.txt');

/** The path of a tool from test/e2e/requirements.txt, which `install` has put into the project's own venv. */
export const pythonTool = (name: string): string => join(VENV, 'bin', name);

/** Once before all tests: the pinned tools, made once, and again when a pin changes. */
export default function install(): void {
  const wanted = readFileSync(REQUIREMENTS, 'utf8');
  if (existsSync(MARKER) && readFileSync(MARKER, 'utf8') === wanted) return;
  rmSync(MARKER, { force: true });
  execFileSync('python3', ['-m', 'venv', '--clear', VENV], { stdio: 'inherit' });
  execFileSync(pythonTool('pip'), ['install', '--quiet', '--requirement', REQUIREMENTS], {
    stdio: 'inherit',
  });
  writeFileSync(`${MARKER}.new`, wanted);
  renameSync(`${MARKER}.new`, MARKER);
}
