/** Lets its holder read the URL. The key itself is known to its holder only; the table has its SHA-256. Instants are epoch ms. */
export type ReaderKey = {
  readonly name: string;
  /** Names of the apps whose credentials it may read. */
  readonly apps: readonly string[] | 'all';
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
};

/** `wtk_` and 32 random bytes in base64url. */
export const READER_KEY_SHAPE = /^wtk_[A-Za-z0-9_-]{43}$/;

export function statusOf(key: ReaderKey, now: number): 'valid' | 'expired' | 'revoked' {
  if (key.revokedAt !== undefined) return 'revoked';
  return key.expiresAt !== undefined && key.expiresAt <= now ? 'expired' : 'valid';
}

export function reaches(key: ReaderKey, appName: string): boolean {
  return key.apps === 'all' || key.apps.includes(appName);
}
