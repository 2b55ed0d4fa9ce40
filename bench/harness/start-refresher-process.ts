import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CredentialResult } from '../../functions/core/reporting/results.ts';
import type { CrashPoint, ProcessEvents, ProcessSettings } from './refresher-process.ts';
import type { World } from './world.ts';

export type RefresherProcess = {
  /** Runs all events concurrently, at the world's time; `'killed'` when the process crashed meanwhile. */
  run(events: readonly unknown[]): Promise<CredentialResult[] | 'killed'>;
  stop(): void;
};

/** A refresher in a process of its own, on the world's table, parameters and WeChat. */
export async function startRefresherProcess(
  world: World,
  { crashAt, probeMs = 0 }: { crashAt?: CrashPoint; probeMs?: number } = {},
): Promise<RefresherProcess> {
  const settings: ProcessSettings = {
    apps: [world.app],
    tableEndpoint: world.table.endpoint,
    tableName: world.table.tableName,
    parameterEndpoint: world.parameters.url,
    simulatorUrl: world.simulator.url,
    probeMs,
    ...(crashAt && { crashAt }),
  };
  const script = fileURLToPath(new URL('./refresher-process.ts', import.meta.url));
  const child = fork(script, { env: { ...process.env, SETTINGS: JSON.stringify(settings) }, execArgv: [] });
  const exited = once(child, 'exit');
  await once(child, 'message');
  return {
    async run(events) {
      const answered = once(child, 'message').then(([results]) => results as CredentialResult[]);
      const killed = exited.then(([, signal]) => {
        if (signal !== 'SIGKILL') throw new Error('the refresher process ended unexpectedly');
        return 'killed' as const;
      });
      const message: ProcessEvents = { nowMs: world.clock.now(), events };
      child.send(message);
      return Promise.race([answered, killed]);
    },
    stop: () => void child.kill(),
  };
}
