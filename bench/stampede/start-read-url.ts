import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { World } from '../../test/support/world.ts';
import type { ReadUrlSettings } from './read-url-process.ts';

export type ReadUrl = {
  readonly url: string;
  /** Moves its clock to that of the world. */
  catchUp(): Promise<void>;
  stop(): void;
};

export async function startReadUrl({ app, table, clock }: World): Promise<ReadUrl> {
  const settings: ReadUrlSettings = { app, tableEndpoint: table.endpoint, tableName: table.tableName };
  const script = fileURLToPath(new URL('./read-url-process.ts', import.meta.url));
  const child = fork(script, { env: { ...process.env, SETTINGS: JSON.stringify(settings) }, execArgv: [] });
  const [url] = await once(child, 'message');
  const catchUp = async () => {
    const moved = once(child, 'message');
    child.send(clock.now());
    await moved;
  };
  await catchUp();
  return { url, catchUp, stop: () => void child.kill() };
}
