import type { Grant } from '../../functions/core/ports.ts';
import type { Account } from './account.ts';
import { type CallResult, SERVERS } from './candidate.ts';
import { seededRandom } from './faults.ts';

/** The servers are busy: each of them notices within so many ms that the token has expired. */
const NOTICED_WITHIN_MS = 100;
/** To WeChat, and the same back. */
const ONE_WAY_MS = { min: 30, max: 150 };
const WRITE_MS = { min: 1, max: 10 };

/** Servers that check a shared store for a token, and fetch one if there is none: check and write are not atomic. */
export class Race {
  nextOneCrashes = false;
  readonly #account: Account;
  readonly #random: () => number;

  constructor(account: Account, seed: string) {
    this.#account = account;
    this.#random = seededRandom(seed);
  }

  /** All servers call with the stored token. */
  allUse(value: string): CallResult[] {
    const result = this.#account.wechat.isTokenValid(value) ? 'ok' : 'invalid';
    return Array.from({ length: SERVERS }, () => result);
  }

  /** All servers find no token; those that check after the first write use what was written. Events run in order of time. */
  async allFetch(store: (grant: Grant) => void): Promise<CallResult[]> {
    const { wechat, fetchToken } = this.#account;
    const results: CallResult[] = Array.from({ length: SERVERS }, () => 'none');
    const granted = new Map<number, Grant>();
    let written: Grant | undefined;
    const events = Array.from({ length: SERVERS }, (_, server) => this.#timesOf(server)).flat();
    const fetching = new Set<number>();
    for (const { server, what } of events.toSorted((one, other) => one.at - other.at)) {
      const grant = granted.get(server);
      if (what === 'check') {
        if (written) results[server] = wechat.isTokenValid(written.value) ? 'ok' : 'invalid';
        else fetching.add(server);
      } else if (what === 'fetch' && fetching.has(server)) {
        const fetched = await fetchToken();
        if (fetched) granted.set(server, fetched);
      } else if (what === 'use' && grant) {
        results[server] = wechat.isTokenValid(grant.value) ? 'ok' : 'invalid';
      } else if (what === 'write' && grant) {
        if (!this.nextOneCrashes) {
          store(grant);
          written = grant;
        }
        this.nextOneCrashes = false;
      }
    }
    return results;
  }

  #timesOf(server: number) {
    const check = this.#random() * NOTICED_WITHIN_MS;
    const fetch = check + this.#between(ONE_WAY_MS);
    const use = fetch + this.#between(ONE_WAY_MS);
    const write = use + this.#between(WRITE_MS);
    return [
      { server, what: 'check', at: check },
      { server, what: 'fetch', at: fetch },
      { server, what: 'use', at: use },
      { server, what: 'write', at: write },
    ] as const;
  }

  #between({ min, max }: { min: number; max: number }): number {
    return min + this.#random() * (max - min);
  }
}
