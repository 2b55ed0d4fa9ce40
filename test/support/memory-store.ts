import { isDeepStrictEqual } from 'node:util';
import { fromItem, toItem } from '../../functions/aws/record-item.ts';
import type { CredentialRecord } from '../../functions/core/credential.ts';
import type { RecordStore } from '../../functions/core/ports.ts';

/** The table in memory: holds what an item can hold, and swaps as the real one does (test/integration/record-store.test.ts). */
export function memoryStore(records: Map<string, CredentialRecord>): RecordStore {
  return {
    async read(ids) {
      const found = new Map<string, CredentialRecord>();
      for (const id of ids) {
        const record = records.get(id);
        if (record) found.set(id, record);
      }
      return found;
    },
    async swap(seen, next) {
      const stored = records.get(next.id);
      const asSeen = stored?.leaseId === seen?.leaseId && stored?.version === seen?.version;
      if (!asSeen) return isDeepStrictEqual(stored, next);
      records.set(next.id, fromItem(toItem(next)));
      return true;
    },
  };
}
