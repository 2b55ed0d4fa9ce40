import { openAccount } from './account.ts';
import { type CallResult, type Candidate, SERVERS } from './candidate.ts';
import { Race } from './race.ts';

/** The four forms in which tutorials store the token, each at its best. None of the tutorials uses a lock. */

const SAFETY_SECONDS = 200;

type StoredToken = { readonly value: string; readonly untilMs: number };

/** A row {token, expires_at}: a server that finds it expired fetches a token and writes it. */
export function databaseRow(): Candidate {
  const account = openAccount();
  const race = new Race(account, 'database row');
  let row: StoredToken | undefined;
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
    applyFault(kind, active) {
      if (kind === 'store-down') isDown = active;
      if (kind === 'crash-before-storing') race.nextOneCrashes = true;
    },
  };
}

/** A key with a TTL of 7,000 s. While the cache is down its clients treat it as empty. */
export function cacheKey(): Candidate {
  const account = openAccount();
  const race = new Race(account, 'cache key');
  let key: StoredToken | undefined;
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
    applyFault(kind, active) {
      if (kind === 'store-down') isDown = active;
      if (kind === 'cache-restarts') key = undefined;
      if (kind === 'crash-before-storing') race.nextOneCrashes = true;
    },
  };
}

/** access_token.json as in WeChat's own JS-SDK sample, on each server: used for 7,000 s, whatever WeChat grants. */
export function jsonFile(): Candidate {
  const { clock, wechat, fetchToken } = openAccount();
  let files: (StoredToken | undefined)[] = [];
  let nextOneCrashes = false;

  async function callOf(server: number): Promise<CallResult> {
    const file = files[server];
    if (file && clock.now() < file.untilMs) return wechat.isTokenValid(file.value) ? 'ok' : 'invalid';
    const grant = await fetchToken();
    if (!grant) return 'none';
    if (nextOneCrashes) {
      nextOneCrashes = false;
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
      const results: CallResult[] = [];
      for (let server = 0; server < SERVERS; server++) results.push(await callOf(server));
      return results;
    },
    applyFault(kind) {
      if (kind === 'servers-restart') files = [];
      if (kind === 'crash-before-storing') nextOneCrashes = true;
    },
  };
}

/** Nothing is stored: each call fetches a token of its own. */
export function fetchEveryTime(): Candidate {
  const { clock, wechat, fetchToken } = openAccount();
  return {
    name: 'a fetch for every call',
    clock,
    wechat,
    async call() {
      const results: CallResult[] = [];
      for (let server = 0; server < SERVERS; server++) results.push((await fetchToken()) ? 'ok' : 'none');
      return results;
    },
  };
}
