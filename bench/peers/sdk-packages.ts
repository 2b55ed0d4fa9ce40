import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** An npm package of its own, which pins WeChat SDKs: their dependencies never touch ours. */
export const CLIENTS = fileURLToPath(new URL('../../test/clients', import.meta.url));

export type SdkName = 'co-wechat-api' | 'wechat-api' | 'node-easywechat';

/** Installs the SDKs of test/clients, unless they are newer than their lockfile. */
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

/** What the SDK's package exports. `installClients` must have run. */
export const loadSdk = createRequire(join(CLIENTS, 'package.json'));

/** The SDK with its version, and how it stores its token. */
export function titleOf(sdk: SdkName, storage: string): string {
  const { dependencies } = JSON.parse(readFileSync(join(CLIENTS, 'package.json'), 'utf8'));
  return `${sdk} ${dependencies[sdk]}, ${storage}`;
}
