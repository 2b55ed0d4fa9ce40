import { type App, fingerprintOf } from '../core/credential.ts';
import type { Clock } from '../core/ports.ts';
import { READER_KEY_SHAPE, type ReaderKey, reaches, statusOf } from '../core/reader-key.ts';

/** The apps that this caller may read. */
export type AppScope = (app: App) => boolean;

/** Why a key is refused; in words that its holder may read. */
export class KeyRefusedError extends Error {
  override readonly name = 'KeyRefusedError';
  readonly code: 'no-key' | 'unknown-key' | 'expired-key' | 'revoked-key';
  constructor(code: KeyRefusedError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Lets callers in by the key that they send. */
export type Authenticator = {
  /** False: Lambda has checked the caller's signature already, or the caller is on this machine. */
  readonly requiresKey: boolean;
  /** @throws KeyRefusedError */
  authenticate(key: string | undefined): Promise<AppScope>;
};

export const allowAnonymous: Authenticator = { requiresKey: false, authenticate: async () => () => true };

/** A revoked key is refused within this time. */
const CACHE_TTL_MS = 60_000;
/** Callers who try keys must not fill the memory. */
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
  const cached = new Map<string, { key: ReaderKey | undefined; until: number }>();

  async function find(sha256: string): Promise<ReaderKey | undefined> {
    const known = cached.get(sha256);
    const now = clock.now();
    if (known && now < known.until) return known.key;
    const key = await lookUp(sha256);
    cached.delete(sha256);
    for (const oldest of cached.keys()) {
      if (cached.size < MAX_CACHED_KEYS) break;
      cached.delete(oldest);
    }
    cached.set(sha256, { key, until: now + CACHE_TTL_MS });
    return key;
  }

  return {
    requiresKey: true,
    async authenticate(sent) {
      if (!sent) throw new KeyRefusedError('no-key', 'A reader key is needed.');
      const key = READER_KEY_SHAPE.test(sent) ? await find(fingerprintOf(sent)) : undefined;
      if (!key) throw new KeyRefusedError('unknown-key', 'This is not a reader key of this deployment.');
      const status = statusOf(key, clock.now());
      if (status !== 'valid') {
        const fate = status === 'revoked' ? 'was revoked' : 'has expired';
        throw new KeyRefusedError(`${status}-key`, `This reader key ${fate}; ask for another one.`);
      }
      return (app) => reaches(key, app.name);
    },
  };
}
