import { readEnvironment } from './environment.ts';
import { startLocal } from './start.ts';

/** `npm start`: the whole refresher on one machine, without an AWS account. */

try {
  const local = await startLocal(readEnvironment(process.env), (line) => console.log(line));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      console.log('\nStopping; the tokens stay on disk.');
      void local.stop();
    });
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
