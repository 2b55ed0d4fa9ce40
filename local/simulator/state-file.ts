import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { accountSchema } from './account.ts';
import { corpSchema } from './corp.ts';

const stateSchema = z.strictObject({
  accounts: z.array(accountSchema),
  /** A file of a simulator that did not know WeCom yet has none. */
  corps: z.array(corpSchema).default([]),
});
export type State = z.infer<typeof stateSchema>;

/** Keeps accounts and corps across restarts, because "restarting keeps the token" (DESIGN.md, section 7). */
export class StateFile {
  readonly #path: string;
  #written = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** What the last run left; empty on the first. @throws Error when the file is not a simulator's */
  read(): State {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { accounts: [], corps: [] };
      throw error;
    }
    try {
      return stateSchema.parse(JSON.parse(text));
    } catch (cause) {
      throw new Error(`${this.#path} is not a simulator's state file. Delete it to start afresh.`, { cause });
    }
  }

  /** Writes what changed, in one step and for the owner only: the file holds secrets and tokens. */
  write(state: State): void {
    const text = JSON.stringify(state);
    if (text === this.#written) return;
    mkdirSync(dirname(this.#path), { recursive: true });
    const draft = `${this.#path}.tmp`;
    writeFileSync(draft, text, { mode: 0o600 });
    // `mode` counts only for a new file; a draft left behind by a crash keeps its own.
    chmodSync(draft, 0o600);
    renameSync(draft, this.#path);
    this.#written = text;
  }
}
