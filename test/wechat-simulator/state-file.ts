import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { type Account, accountSchema } from './account.ts';

const stateSchema = z.strictObject({ accounts: z.array(accountSchema) });

/** Keeps the accounts across restarts, because "restarting keeps the token" (DESIGN.md, section 7). */
export class StateFile {
  readonly #path: string;
  #written = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** The accounts of the last run; none on the first. @throws Error when the file is not a simulator's */
  read(): Account[] {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    try {
      return stateSchema.parse(JSON.parse(text)).accounts;
    } catch (cause) {
      throw new Error(`${this.#path} is not a simulator's state file. Delete it to start afresh.`, { cause });
    }
  }

  /** Writes what changed, in one step and for the owner only: the file holds secrets and tokens. */
  write(accounts: Iterable<Account>): void {
    const text = JSON.stringify({ accounts: [...accounts] });
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
