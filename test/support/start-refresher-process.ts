import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CredentialResult } from '../../functions/core/result.ts';
import type { ProcessSettings } from './refresher-process.ts';

export type RefresherProcess = {
  /** Runs all events at once; `'killed'` when the process died over them. */
  run(events: readonly unknown[]): Promise<CredentialResult[] | 'killed'>;
  stop(): void;
};

export async function startRefresherProcess(settings: ProcessSettings): Promise<RefresherProcess> {
  const script = fileURLToPath(new URL('./refresher-process.ts', import.meta.url));
  const child = fork(script, { env: { ...process.env, SETTINGS: JSON.stringify(settings) }, execArgv: [] });
  await once(child, 'message');
  return {
    async run(events) {
      const answered = once(child, 'message').then(([results]) => results as CredentialResult[]);
      const died = once(child, 'exit').then(([, signal]) => {
        if (signal !== 'SIGKILL') throw new Error('the refresher process ended by itself');
        return 'killed' as const;
      });
      child.send(events);
      return Promise.race([answered, died]);
    },
    stop: () => void child.kill(),
  };
}
