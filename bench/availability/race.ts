import type { Grant } from '../../functions/core/ports.ts';
import type { Account } from './account.ts';
import { type CallEnd, SERVERS } from './candidate.ts';
import { chance } from './chance.ts';

/** All servers call all the time, so within so many ms each of them has met the end of the token. */
const NOTICED_WITHIN_MS = 100;
/** One way to WeChat, and the same back. */
const WAY_MS = { min: 30, max: 150 };
const WRITE_MS = { min: 1, max: 10 };

/** Servers that look whether there is a token, and fetch one if not: between the look and the write there is time. */
export class Race {
  nextOneDies = false;
  readonly #account: Account;
  readonly #random: () => number;

  constructor(account: Account, seed: string) {
    this.#account = account;
    this.#random = chance(seed);
  }

  allUse(value: string): CallEnd[] {
    const end = this.#account.wechat.isTokenValid(value) ? 'ok' : 'dead';
    return Array.from({ length: SERVERS }, () => end);
  }

  /** What each server does, in the order in which it happens. Who looks after the first write fetches nothing. */
  async allFetch(keep: (grant: Grant) => void): Promise<CallEnd[]> {
    const { wechat, fetchToken } = this.#account;
    const ends: CallEnd[] = Array.from({ length: SERVERS }, () => 'none');
    const granted = new Map<number, Grant>();
    let written: Grant | undefined;
    const events = Array.from({ length: SERVERS }, (_, server) => this.#timesOf(server)).flat();
    const fetching = new Set<number>();
    for (const { server, what } of events.toSorted((one, other) => one.at - other.at)) {
      const grant = granted.get(server);
      if (what === 'look') {
        if (written) ends[server] = wechat.isTokenValid(written.value) ? 'ok' : 'dead';
        else fetching.add(server);
      } else if (what === 'fetch' && fetching.has(server)) {
        const fetched = await fetchToken();
        if (fetched) granted.set(server, fetched);
      } else if (what === 'use' && grant) {
        ends[server] = wechat.isTokenValid(grant.value) ? 'ok' : 'dead';
      } else if (what === 'write' && grant) {
        if (!this.nextOneDies) {
          keep(grant);
          written = grant;
        }
        this.nextOneDies = false;
      }
    }
    return ends;
  }

  #timesOf(server: number) {
    const look = this.#random() * NOTICED_WITHIN_MS;
    const fetch = look + this.#between(WAY_MS);
    const use = fetch + this.#between(WAY_MS);
    const write = use + this.#between(WRITE_MS);
    return [
      { server, what: 'look', at: look },
      { server, what: 'fetch', at: fetch },
      { server, what: 'use', at: use },
      { server, what: 'write', at: write },
    ] as const;
  }

  #between({ min, max }: { min: number; max: number }): number {
    return min + this.#random() * (max - min);
  }
}
