import { createHash } from 'node:crypto';

/** SHA-256 hex: names a value without revealing it. */
export function fingerprintOf(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}
