import type { CredentialRecord } from '../../functions/core/credential.ts';
import type { RecordStore } from '../../functions/core/ports.ts';

/** The table in memory: compares and swaps as DynamoDB does. */
export function memoryStore(records: Map<string, CredentialRecord>): RecordStore {
  return {
    read: async (ids) => new Map([...records].filter(([id]) => ids.includes(id))),
    async swap(seen, next) {
      const stored = records.get(next.id);
      if (stored?.leaseId !== seen?.leaseId || stored?.version !== seen?.version) return false;
      records.set(next.id, next);
      return true;
    },
  };
}
