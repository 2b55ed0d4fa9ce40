import type { CredentialRecord } from '../../functions/core/credential.ts';
import type { RecordStore } from '../../functions/core/ports.ts';

/** The table in memory: compares and swaps as DynamoDB does. */
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
      if (stored?.leaseId !== seen?.leaseId || stored?.version !== seen?.version) return false;
      records.set(next.id, next);
      return true;
    },
  };
}
