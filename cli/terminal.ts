import yoctoSpinner from 'yocto-spinner';

/** Where a command speaks: people on a terminal, or a script that reads JSON. */
export type Terminal = {
  readonly json: boolean;
  /** A line for people, on standard output; a script does not get it. */
  say(line: string): void;
  /** The one answer for scripts. */
  answer(value: unknown): void;
  /** A line beside the answer, on standard error. */
  note(line: string): void;
  /** Shows that something is going on, until it has ended. */
  during<T>(what: string, work: () => Promise<T>): Promise<T>;
};

export function terminal(json: boolean): Terminal {
  return {
    json,
    say: (line) => {
      if (!json) console.log(line);
    },
    answer: (value) => {
      if (json) console.log(JSON.stringify(value));
    },
    note: (line) => console.error(line),
    async during(what, work) {
      if (json || !process.stderr.isTTY) return work();
      // Ctrl-C is the command's business: a rotation must put the old secret back first.
      const spinner = yoctoSpinner({ text: what, handleSignals: false }).start();
      try {
        return await work();
      } finally {
        spinner.stop();
      }
    },
  };
}
