import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const VENV = join(PROJECT, '.venv-e2e');
const REQUIREMENTS = join(PROJECT, 'test/e2e/requirements.txt');

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
  installMinistack();
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const state = mkdtempSync(join(tmpdir(), 'ministack-'));
  const child = spawn(join(VENV, 'bin/ministack'), {
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

/** The pinned MiniStack in a venv of the project's own; made once, and again when the pin changes. */
function installMinistack(): void {
  const wanted = readFileSync(REQUIREMENTS, 'utf8');
  const marker = join(VENV, 'installed.txt');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return;
  execFileSync('python3', ['-m', 'venv', '--clear', VENV], { stdio: 'inherit' });
  execFileSync(join(VENV, 'bin/pip'), ['install', '--quiet', '--requirement', REQUIREMENTS], {
    stdio: 'inherit',
  });
  writeFileSync(marker, wanted);
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
