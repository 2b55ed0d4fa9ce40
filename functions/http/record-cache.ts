import {
  type App,
  type CredentialName,
  type CredentialRecord,
  credentialId,
  liveValue,
} from '../core/credential.ts';
import type { RecordStore } from '../core/ports.ts';

/** A record as it stands at `now` (epoch ms, taken after the read), and until when it may be served from memory. */
export type CachedRecord = {
  readonly record: CredentialRecord | undefined;
  readonly now: number;
  readonly freshUntilMs: number;
};

export type RecordCache = {
  /** @param rejected fingerprint of a value that WeChat refused: a cached record that still holds it is read anew */
  get(app: App, name: CredentialName, rejected?: string): Promise<CachedRecord>;
};

/** Remembers a live record for `cacheMs`, never past its expiry; what is not live is read each time. */
export function recordCache(
  store: Pick<RecordStore, 'read'>,
  cacheMs: number,
  clock: () => number,
): RecordCache {
  const cache = new Map<string, Omit<CachedRecord, 'now'>>();
  return {
    async get(app, name, rejected) {
      const id = credentialId(app.name, name);
      const cached = cache.get(id);
      const askedAt = clock();
      if (cached && askedAt < cached.freshUntilMs && cached.record?.current?.fingerprint !== rejected) {
        return { ...cached, now: askedAt };
      }
      const record = (await store.read([id])).get(id);
      // The table may have been slow: what it says is judged by the time at which it is handed out.
      const now = clock();
      const live = liveValue(record, app, now);
      const found = { record, freshUntilMs: live ? Math.min(askedAt + cacheMs, live.expiresAt) : askedAt };
      cache.set(id, found);
      return { ...found, now };
    },
  };
}
