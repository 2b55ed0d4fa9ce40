import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { openSimulator } from './harness.ts';

const main = fileURLToPath(new URL('../../../local/simulator/main.ts', import.meta.url));
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

function run(environment: Record<string, string>) {
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  return child;
}

test.each(['SIGINT', 'SIGTERM'] as const)('runs by itself, and %s stops it cleanly', async (signal) => {
  const child = run({ PORT: '0', SIMULATOR_LIFETIME_SECONDS: '120' });
  const [greeting] = (await once(child.stdout, 'data')) as [Buffer];
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(String(greeting)) ?? [''];
  const [curl] = /http:\S+\/cgi-bin\/token[^']+/.exec(String(greeting)) ?? [''];
  expect(curl).toContain(url);
  expect(await (await fetch(curl)).json()).toMatchObject({ expires_in: 120 });
  const json = /-d '(.+)'/.exec(String(greeting))?.[1] ?? '';
  const stable = await fetch(`${url}/cgi-bin/stable_token`, { method: 'POST', body: json });
  expect(await stable.json()).toMatchObject({ expires_in: 120 });

  const [gettoken] = /http:\S+\/cgi-bin\/gettoken[^']+/.exec(String(greeting)) ?? [''];
  expect(await (await fetch(gettoken)).json()).toMatchObject({ errcode: 0, expires_in: 120 });

  const delay = JSON.stringify({ kind: 'delay', ms: 60_000 });
  await fetch(`${url}/_simulator/faults`, { method: 'POST', body: delay });
  const delayed = fetch(curl).catch((error: Error) => error.message);
  await expect.poll(() => countCalls(url)).toBe(4);
  const ended = once(child, 'exit');
  child.kill(signal);
  expect(await ended).toEqual([0, null]);
  expect(await delayed).toBe('fetch failed');
});

async function countCalls(url: string): Promise<number> {
  const calls = (await (await fetch(`${url}/_simulator/calls`)).json()) as unknown[];
  return calls.length;
}

test('a taken port is reported in one line', async () => {
  const { simulator } = await openSimulator();
  const { port } = new URL(simulator.url);
  const child = run({ PORT: port });
  const [complaint, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect(complaint).toBe(`Port ${port} is in use. Set PORT to another one, or to 0 for any free one.\n`);
  expect(code).toBe(1);
});

test.each([
  ['PORT', 'http'],
  ['PORT', '65536'],
  ['SIMULATOR_LIFETIME_SECONDS', '0'],
])('%s=%s is named', async (name, value) => {
  const child = run({ [name]: value });
  const [complaint, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect(complaint).toMatch(new RegExp(`^${name}: .+\n$`));
  expect(code).toBe(1);
});
