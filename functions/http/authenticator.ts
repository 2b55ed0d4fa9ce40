import type { App } from '../core/credential.ts';
import { fingerprintOf } from '../core/fingerprint.ts';
import type { Clock } from '../core/ports.ts';
import { READER_KEY_SHAPE, type ReaderKey, reaches, statusOf } from '../core/reader-key.ts';

/** Whom this caller's credential admits to. */
export type AppScope = (app: App) => boolean;

/** Why a key opens nothing; in words that are fit for whoever holds it. */
export class KeyRefusedError extends Error {
  override readonly name = 'KeyRefusedError';
  readonly code: 'no-key' | 'unknown-key' | 'expired-key' | 'revoked-key';
  constructor(code: KeyRefusedError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Lets callers in by what they show. */
export type Authenticator = {
  /** False: whoever gets this far was let in by Lambda's own check of the signature, or is on this very machine. */
  readonly requiresKey: boolean;
  /** @throws KeyRefusedError */
  authenticate(key: string | undefined): Promise<AppScope>;
};

export const allowAnonymous: Authenticator = { requiresKey: false, authenticate: async () => () => true };

/** "Revocable within a minute." */
const CACHE_TTL_MS = 60_000;
/** Strangers who try keys must not fill the memory. */
const MAX_CACHED_KEYS = 1_000;

/**
 * Reader keys, looked up by their hash, so that neither the table nor a slow comparison gives one away.
 *
 * @param lookUp the key of a SHA-256 (hex), if there is one
 */
export function readerKeyAuthenticator(
  lookUp: (sha256: string) => Promise<ReaderKey | undefined>,
  clock: Clock,
): Authenticator {
  const kept = new Map<string, { key: ReaderKey | undefined; until: number }>();

  async function find(sha256: string): Promise<ReaderKey | undefined> {
    const known = kept.get(sha256);
    const now = clock.now();
    if (known && now < known.until) return known.key;
    const key = await lookUp(sha256);
    kept.delete(sha256);
    for (const oldest of kept.keys()) {
      if (kept.size < MAX_CACHED_KEYS) break;
      kept.delete(oldest);
    }
    kept.set(sha256, { key, until: now + CACHE_TTL_MS });
    return key;
  }

  return {
    requiresKey: true,
    async authenticate(shown) {
      if (!shown) throw new KeyRefusedError('no-key', 'A reader key is needed.');
      const key = READER_KEY_SHAPE.test(shown) ? await find(fingerprintOf(shown)) : undefined;
      if (!key) throw new KeyRefusedError('unknown-key', 'This is no reader key of this deployment.');
      const standing = statusOf(key, clock.now());
      if (standing !== 'valid') {
        const fate = standing === 'revoked' ? 'was revoked' : 'has expired';
        throw new KeyRefusedError(`${standing}-key`, `This reader key ${fate}; ask for another one.`);
      }
      return (app) => reaches(key, app.name);
    },
  };
}
