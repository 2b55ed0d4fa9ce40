import type { ReaderKey } from '../core/reader-key.ts';
import type { BatchGet } from './batch-get.ts';
import { fromReaderKeyItem, readerKeyId } from './reader-key-item.ts';
import { readItems } from './record-reader.ts';

/** Finds a reader key by the SHA-256 (hex) of what its holder shows. */
export function readerKeyLookup(
  batchGet: BatchGet,
  tableName: string,
): (sha256: string) => Promise<ReaderKey | undefined> {
  return async (sha256) => {
    const [item] = await readItems(batchGet, tableName, [readerKeyId(sha256)]);
    return item && fromReaderKeyItem(item);
  };
}
