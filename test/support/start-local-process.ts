import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

export type LocalProcess = {
  /** Without a slash at its end; empty when the process ended before it listened. */
  readonly url: string;
  output(): string;
  readonly child: ChildProcess;
  readonly exit: Promise<{ code: number | null }>;
  kill(): Promise<void>;
};

/** What `npm start` runs, with a free port and a folder of its own. */
export async function startLocalProcess(folder: string, env: NodeJS.ProcessEnv = {}): Promise<LocalProcess> {
  const child = spawn(process.execPath, ['local/main.ts'], {
    cwd: PROJECT,
    env: { PATH: process.env['PATH'], PORT: '0', LOCAL_DIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
  const exit = once(child, 'exit').then(([code]) => ({ code }));
  const url = () => /curl (http:\S+)\/apps/.exec(text)?.[1];
  await Promise.race([until(() => url() !== undefined), exit]);
  return {
    url: url() ?? '',
    output: () => text,
    child,
    exit,
    async kill() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}

/**
 * Whether every credential is served (a ticket follows its token), and the run that fetched the token has ended: a value is
 * served as soon as it is in the table, but until its file is written its lease is held, and a forced refresh is `busy`.
 */
export async function isLive({ url, output }: LocalProcess): Promise<boolean> {
  const { status } = (await (await fetch(`${url}/health`)).json()) as { status: string };
  return status === 'ok' && output().includes('renewed to version');
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('the condition was not met within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
