import type { CredentialRecord } from '../credential.ts';
import type { RecordStore } from '../ports.ts';

export type ObservedStore = RecordStore & {
  /** The records as they were last read or written since this was last called, by id. */
  takeRecords(): ReadonlyMap<string, CredentialRecord>;
};

/** Remembers what passes through, so that a run can be measured without another read. */
export function observedStore(store: RecordStore): ObservedStore {
  let records = new Map<string, CredentialRecord>();
  return {
    async read(ids) {
      const found = await store.read(ids);
      for (const [id, record] of found) records.set(id, record);
      return found;
    },
    async swap(seen, next) {
      const written = await store.swap(seen, next);
      if (written) records.set(next.id, next);
      return written;
    },
    takeRecords() {
      const taken = records;
      records = new Map();
      return taken;
    },
  };
}
