import { openAccount } from './account.ts';
import { type CallEnd, type Candidate, SERVERS } from './candidate.ts';
import { Race } from './race.ts';

/** The four forms in which tutorials keep the token, each at its best. Without a lock, for none of them has one. */

const SAFETY_SECONDS = 200;

type Kept = { readonly value: string; readonly untilMs: number };

/** A row {token, expires_at}: who finds it over fetches a token and writes it. Without the database there is no token. */
export function databaseRow(): Candidate {
  const account = openAccount();
  const race = new Race(account, 'database row');
  let row: Kept | undefined;
  let isDown = false;
  return {
    name: 'a row in a database',
    clock: account.clock,
    wechat: account.wechat,
    async call() {
      if (isDown) return Array.from({ length: SERVERS }, () => 'none');
      if (row && account.clock.now() < row.untilMs) return race.allUse(row.value);
      return race.allFetch(({ value, expiresInSeconds }) => {
        row = { value, untilMs: account.clock.now() + (expiresInSeconds - SAFETY_SECONDS) * 1000 };
      });
    },
    applyFault(kind, standing) {
      if (kind === 'store-down') isDown = standing;
      if (kind === 'dies-before-keeping') race.nextOneDies = true;
    },
  };
}

/** A key that lives 7,000 s. A cache that is down is a cache that has nothing: its clients say so. */
export function cacheKey(): Candidate {
  const account = openAccount();
  const race = new Race(account, 'cache key');
  let key: Kept | undefined;
  let isDown = false;
  return {
    name: 'a key in a cache',
    clock: account.clock,
    wechat: account.wechat,
    async call() {
      if (!isDown && key && account.clock.now() < key.untilMs) return race.allUse(key.value);
      return race.allFetch(({ value, expiresInSeconds }) => {
        const untilMs = account.clock.now() + (expiresInSeconds - SAFETY_SECONDS) * 1000;
        if (!isDown) key = { value, untilMs };
      });
    },
    applyFault(kind, standing) {
      if (kind === 'store-down') isDown = standing;
      if (kind === 'cache-restarts') key = undefined;
      if (kind === 'dies-before-keeping') race.nextOneDies = true;
    },
  };
}

/** access_token.json as in WeChat's own JS-SDK sample, one on each server: 7,000 s from now, whatever WeChat says. */
export function jsonFile(): Candidate {
  const { clock, wechat, fetchToken } = openAccount();
  let files: (Kept | undefined)[] = [];
  let nextOneDies = false;

  async function callOf(server: number): Promise<CallEnd> {
    const file = files[server];
    if (file && clock.now() < file.untilMs) return wechat.isTokenValid(file.value) ? 'ok' : 'dead';
    const grant = await fetchToken();
    if (!grant) return 'none';
    if (nextOneDies) {
      nextOneDies = false;
      return 'none';
    }
    files[server] = { value: grant.value, untilMs: clock.now() + 7_000_000 };
    return 'ok';
  }

  return {
    name: 'a JSON file on each server',
    clock,
    wechat,
    async call() {
      const ends: CallEnd[] = [];
      for (let server = 0; server < SERVERS; server++) ends.push(await callOf(server));
      return ends;
    },
    applyFault(kind) {
      if (kind === 'servers-restart') files = [];
      if (kind === 'dies-before-keeping') nextOneDies = true;
    },
  };
}

/** Nothing is kept, so nothing is lost. */
export function fetchEveryTime(): Candidate {
  const { clock, wechat, fetchToken } = openAccount();
  return {
    name: 'a fetch for every call',
    clock,
    wechat,
    async call() {
      const ends: CallEnd[] = [];
      for (let server = 0; server < SERVERS; server++) ends.push((await fetchToken()) ? 'ok' : 'none');
      return ends;
    },
  };
}
