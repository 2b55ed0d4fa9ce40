import { EnvironmentError, readEnvironment } from './local/environment.ts';
import { FolderInUseError, FolderUnusableError } from './local/folder-lock.ts';
import { PortInUseError } from './local/server.ts';
import { startLocal } from './local/start.ts';

/** `npm start`: the whole refresher on one machine, without an AWS account (DESIGN.md section 7). */

const EXPECTED = [EnvironmentError, FolderInUseError, FolderUnusableError, PortInUseError];

try {
  const local = await startLocal(readEnvironment(process.env), (line) => console.log(line));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      console.log('\nStopping; the tokens stay on disk.');
      void local.stop();
    });
  }
} catch (error) {
  if (!EXPECTED.some((type) => error instanceof type)) throw error;
  console.error((error as Error).message);
  process.exitCode = 1;
}
