import {
  type App,
  acceptsToken,
  type CredentialRecord,
  credentialId,
  fingerprintOf,
} from '../../core/credential.ts';
import type { Clock, RecordStore } from '../../core/ports.ts';

/** Finds the app that an access token belongs to, the current one or the one before. */
export class TokenIndex {
  readonly #apps: readonly App[];
  readonly #store: Pick<RecordStore, 'read'>;
  readonly #cacheMs: number;
  readonly #clock: Clock;
  #records: ReadonlyMap<string, CredentialRecord> = new Map();
  #freshUntilMs = 0;

  constructor(apps: readonly App[], store: Pick<RecordStore, 'read'>, cacheMs: number, clock: Clock) {
    this.#apps = apps;
    this.#store = store;
    this.#cacheMs = cacheMs;
    this.#clock = clock;
  }

  async find(token: string, isMeant: (app: App) => boolean): Promise<App | undefined> {
    const fingerprint = fingerprintOf(token);
    const askedAt = this.#clock.now();
    const holds = (app: App) =>
      isMeant(app) && acceptsToken(this.#records.get(idOf(app)), app, fingerprint, this.#clock.now());
    // A token that memory does not know may be newer than memory.
    const remembered = askedAt < this.#freshUntilMs ? this.#apps.find(holds) : undefined;
    if (remembered) return remembered;
    this.#records = await this.#store.read(this.#apps.map(idOf));
    this.#freshUntilMs = askedAt + this.#cacheMs;
    return this.#apps.find(holds);
  }
}

function idOf(app: App): string {
  return credentialId(app.name, 'access-token');
}
