#!/usr/bin/env node
// The command line is TypeScript. The project's own Node runs it without a build, whichever Node the machine has.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const child = spawn(path('../node_modules/node/bin/node'), [path('main.ts'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// The terminal sends Ctrl-C to the child, too, which decides when to end.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.once('error', () => {
  console.error('wechat-token-refresher: run `npm ci` in the project first.');
  process.exitCode = 3;
});
child.once('exit', (code, signal) => {
  process.exitCode = signal ? 1 : (code ?? 1);
});
