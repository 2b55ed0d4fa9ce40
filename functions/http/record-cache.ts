import {
  type App,
  accountOf,
  belongsTo,
  type CredentialName,
  type CredentialRecord,
  credentialId,
  liveValue,
} from '../core/credential.ts';
import type { Clock, RecordStore } from '../core/ports.ts';

/** A record as it stands at `now` (epoch ms, taken after the read), and until when it may be served from memory. */
export type CachedRecord = {
  readonly record: CredentialRecord | undefined;
  readonly now: number;
  readonly freshUntilMs: number;
};

export type RecordCache = {
  /**
   * In the three seconds after a value's end it waits for the successor.
   *
   * @param rejected fingerprint of a value that WeChat refused: a cached record that still holds it is read anew
   */
  get(app: App, name: CredentialName, rejected?: string): Promise<CachedRecord>;
};

/**
 * A ticket and a WeCom token have no successor before their end, and mostly one within two seconds after it: in that time a
 * caller waits, rather than fail (docs/decisions/0005-waiting-inside-a-tick.md). Shorter than SDKs' time-outs, mostly five seconds or more.
 */
const SUCCESSOR_WAIT_MS = 3_000;
const POLL_INTERVAL_MS = 250;

/** Remembers a live record for `cacheMs`, never past its expiry; what is not live is read each time. */
export function recordCache(store: Pick<RecordStore, 'read'>, cacheMs: number, clock: Clock): RecordCache {
  const cache = new Map<string, Omit<CachedRecord, 'now'>>();

  async function read(app: App, name: CredentialName): Promise<CachedRecord> {
    const id = credentialId(app.name, name);
    const requestedAt = clock.now();
    const record = (await store.read([id])).get(id);
    // The table may have been slow: what it says is judged by the time at which it is handed out.
    const now = clock.now();
    const live = liveValue(record, app, now);
    const found = {
      record,
      freshUntilMs: live ? Math.min(requestedAt + cacheMs, live.expiresAt) : requestedAt,
    };
    cache.set(id, found);
    return { ...found, now };
  }

  return {
    async get(app, name, rejected) {
      const cached = cache.get(credentialId(app.name, name));
      const now = clock.now();
      if (cached && now < cached.freshUntilMs && cached.record?.current?.fingerprint !== rejected) {
        return { ...cached, now };
      }
      let found = await read(app, name);
      for (let looks = 0; looks < SUCCESSOR_WAIT_MS / POLL_INTERVAL_MS && justEnded(app, found); looks++) {
        await clock.sleepUntil(found.now + POLL_INTERVAL_MS);
        found = await read(app, name);
      }
      return found;
    },
  };
}

function justEnded(app: App, { record, now }: CachedRecord): boolean {
  const current = record?.current;
  if (!current || !belongsTo(current, accountOf(app))) return false;
  return current.expiresAt <= now && now < current.expiresAt + SUCCESSOR_WAIT_MS;
}
