import { type App, credentialId, type IssuedValue, liveValue } from '../credential.ts';
import type { CredentialResult } from '../reporting/results.ts';
import type { OwnToken } from './fetch.ts';
import type { Run } from './run.ts';

/** The access token of the app whose ticket is being fetched, as the table has it. */
export class OwnTokenOf implements OwnToken {
  /** What was done about the token, if it had to be healed. */
  healed: CredentialResult | undefined;
  readonly #app: App;
  readonly #now: number;
  readonly #run: Run;

  constructor(app: App, now: number, run: Run) {
    this.#app = app;
    this.#now = now;
    this.#run = run;
  }

  async read(): Promise<IssuedValue | undefined> {
    const id = credentialId(this.#app.name, 'access-token');
    return liveValue((await this.#run.ports.store.read([id])).get(id), this.#app, this.#now);
  }

  async heal(refused: IssuedValue): Promise<IssuedValue | undefined> {
    this.healed = await this.#run.healToken(this.#app, refused.fingerprint, this.#now);
    return this.read();
  }
}
