import { createInterface } from 'node:readline/promises';
import yoctoSpinner from 'yocto-spinner';
import { CliError } from './cli-error.ts';

/** Where a command writes: for a person on a terminal, or for a script that reads JSON. */
export type Terminal = {
  readonly json: boolean;
  /** A line for people, on standard output; not printed with `--json`. */
  print(line: string): void;
  /** The one answer for scripts; printed only with `--json`. */
  answer(value: unknown): void;
  /** A line beside the answer, on standard error. */
  note(line: string): void;
  /** Shows that work is in progress, until it has ended. */
  during<T>(what: string, work: () => Promise<T>): Promise<T>;
};

export function terminal(json: boolean): Terminal {
  return {
    json,
    print: (line) => {
      if (!json) console.log(line);
    },
    answer: (value) => {
      if (json) console.log(JSON.stringify(value));
    },
    note: (line) => console.error(line),
    async during(what, work) {
      if (json || !process.stderr.isTTY) return work();
      // Commands handle Ctrl-C themselves: a rotation must restore the old secret first.
      const spinner = yoctoSpinner({ text: what, handleSignals: false }).start();
      try {
        return await work();
      } finally {
        spinner.stop();
      }
    },
  };
}

/**
 * Asks for a `yes` before what cannot be undone.
 *
 * @param unchanged what was not done, for the error
 * @throws CliError with `--json`, and where no one can answer
 */
export async function confirmed({ json }: Terminal, question: string, unchanged: string): Promise<boolean> {
  if (json || !process.stdin.isTTY) {
    throw new CliError('usage', `${unchanged}: there is no terminal to confirm on; use --yes.`);
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const reply = await prompt.question(question);
  prompt.close();
  return reply.trim() === 'yes';
}

const INTERRUPTS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Aborts its signal on the first Ctrl-C or SIGTERM, so that a command can finish what it has begun; a second one ends the
 * process. Once disposed, the first does.
 */
export function abortOnInterrupt(): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  for (const name of INTERRUPTS) process.once(name, abort);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of INTERRUPTS) process.removeListener(name, abort);
    },
  };
}
