import { createInterface } from 'node:readline';
import { jsonLine } from './start-lambda.ts';

/** Does what Lambda's runtime does: loads the bundle named by its argument, and answers each line of input. */

const { handler } = await import(process.argv[2] ?? '');

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await handler(JSON.parse(line)).then(
    (result: unknown) => ({ result }),
    ({ name, message, stack }: Error) => ({ error: { name, message, stack } }),
  );
  process.stdout.write(`ANSWER ${jsonLine(answer)}\n`);
}
// The input ends with the test that started this process; open connections must not keep it running.
process.exit();
