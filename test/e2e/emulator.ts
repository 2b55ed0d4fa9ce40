import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pythonTool } from './python-tools.ts';

export type Emulator = {
  readonly endpoint: string;
  /** Whether it evaluates IAM policies; ours does, so least privilege is put to the test. */
  readonly enforcesIam: boolean;
  stop(): Promise<void>;
};

/** The emulator at AWS_ENDPOINT_URL, or a MiniStack of our own on a free port. */
export async function startEmulator(): Promise<Emulator> {
  const given = process.env['AWS_ENDPOINT_URL'];
  if (given) {
    return { endpoint: given, enforcesIam: await enforcesIam(given), stop: async () => undefined };
  }
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const state = mkdtempSync(join(tmpdir(), 'ministack-'));
  const child = spawn(pythonTool('ministack'), {
    cwd: state,
    // A group of its own: its Lambda workers must end with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      AUTH: 'true',
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      STATE_DIR: join(state, 'state'),
      S3_DATA_DIR: join(state, 's3'),
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (log += chunk));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    await exited;
    rmSync(state, { recursive: true, force: true });
  };
  for (let tries = 0; !(await answers(endpoint)); tries++) {
    if (tries === 300 || child.exitCode !== null) {
      await stop();
      throw new Error(`MiniStack did not start:\n${log.slice(-2_000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { endpoint, enforcesIam: true, stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

async function answers(endpoint: string): Promise<boolean> {
  return fetch(`${endpoint}/_ministack/health`).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function enforcesIam(endpoint: string): Promise<boolean> {
  const health = await fetch(`${endpoint}/_ministack/health`).then((response) => response.json());
  return (health as { auth?: string }).auth === 'enabled';
}
