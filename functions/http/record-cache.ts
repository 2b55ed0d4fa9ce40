import {
  type App,
  type CredentialName,
  type CredentialRecord,
  credentialId,
  liveValue,
} from '../core/credential.ts';
import type { RecordStore } from '../core/ports.ts';

/** A record, and until when it may be served from memory (epoch ms). */
export type CachedRecord = { readonly record: CredentialRecord | undefined; readonly freshUntilMs: number };

export type RecordCache = {
  /** @param rejected fingerprint of a value that WeChat refused: a cached record that still holds it is read anew */
  get(app: App, name: CredentialName, now: number, rejected?: string): Promise<CachedRecord>;
};

/** Remembers a live record for `cacheMs`, never past its expiry; what is not live is read each time. */
export function recordCache(store: Pick<RecordStore, 'read'>, cacheMs: number): RecordCache {
  const cache = new Map<string, CachedRecord>();
  return {
    async get(app, name, now, rejected) {
      const id = credentialId(app.name, name);
      const cached = cache.get(id);
      if (cached && now < cached.freshUntilMs && cached.record?.current?.fingerprint !== rejected) {
        return cached;
      }
      const record = (await store.read([id])).get(id);
      const live = liveValue(record, app, now);
      const found = { record, freshUntilMs: live ? Math.min(now + cacheMs, live.expiresAt) : now };
      cache.set(id, found);
      return found;
    },
  };
}
