#!/usr/bin/env node
// The command line is TypeScript, which the project's own Node runs as it stands, whatever Node the machine has.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const child = spawn(path('../node_modules/node/bin/node'), [path('main.ts'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// Ctrl-C reaches the child, too, and it decides what to do about it.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.once('error', () => {
  console.error('wechat-token-refresher: run `npm ci` in the project first.');
  process.exitCode = 3;
});
child.once('exit', (code, signal) => {
  process.exitCode = signal ? 1 : (code ?? 1);
});
