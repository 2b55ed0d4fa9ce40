import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT } from './start-local-process.ts';

export const CLIENTS = join(PROJECT, 'test/clients');

/**
 * The SDKs of test/clients, once for each lockfile. They have a package of their own, so that their dependencies never
 * touch ours.
 */
export async function installClients(): Promise<void> {
  const installed = join(CLIENTS, 'node_modules/.package-lock.json');
  const modifiedAt = (path: string) => (existsSync(path) ? statSync(path).mtimeMs : 0);
  if (modifiedAt(installed) >= modifiedAt(join(CLIENTS, 'package-lock.json'))) return;
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  await promisify(execFile)('npm', ['ci', ...options], {
    cwd: CLIENTS,
    shell: process.platform === 'win32',
  });
}
