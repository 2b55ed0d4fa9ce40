import type { ReaderKey } from '../core/reader-key.ts';
import { type Item, number, numberOf, text, textOf } from './record-item.ts';
import { type BatchGet, readItems } from './record-reader.ts';

/** No app can be called that, so a key's item never stands where a credential's does. */
export const READER_KEY_PREFIX = 'key#';
const ALL_APPS = '*';

/** @param sha256 of the key, hex */
export function readerKeyId(sha256: string): string {
  return `${READER_KEY_PREFIX}${sha256}`;
}

export function toReaderKeyItem(id: string, key: ReaderKey): Item {
  return {
    id: text(id),
    name: text(key.name),
    apps: { SS: key.apps === 'all' ? [ALL_APPS] : [...key.apps] },
    createdAt: number(key.createdAt),
    ...(key.expiresAt !== undefined && { expiresAt: number(key.expiresAt) }),
    ...(key.revokedAt !== undefined && { revokedAt: number(key.revokedAt) }),
  };
}

export function fromReaderKeyItem(item: Item): ReaderKey {
  const apps = item['apps']?.SS ?? [];
  return {
    name: textOf(item, 'name') ?? '',
    apps: apps.includes(ALL_APPS) ? 'all' : apps,
    createdAt: numberOf(item, 'createdAt'),
    ...(item['expiresAt'] && { expiresAt: numberOf(item, 'expiresAt') }),
    ...(item['revokedAt'] && { revokedAt: numberOf(item, 'revokedAt') }),
  };
}

/** Finds a reader key by the SHA-256 (hex) of what a caller shows. */
export function readerKeyLookup(
  batchGet: BatchGet,
  tableName: string,
): (sha256: string) => Promise<ReaderKey | undefined> {
  return async (sha256) => {
    const [item] = await readItems(batchGet, tableName, [readerKeyId(sha256)]);
    return item && fromReaderKeyItem(item);
  };
}
