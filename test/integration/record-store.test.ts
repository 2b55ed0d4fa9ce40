import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoryStore } from '../../bench/harness/memory-world.ts';
import { recordTable } from '../../functions/aws/record-table.ts';
import { blankRecord, type CredentialRecord } from '../../functions/core/credential.ts';
import { type EmbeddedTable, openEmbeddedTable } from '../../local/embedded-table.ts';

/** test/proof/ proves what it proves on a table in memory; this one proves that table. */

let table: EmbeddedTable;
beforeAll(async () => {
  table = await openEmbeddedTable();
});
afterAll(() => table.close());

const instant = fc.integer({ min: 1, max: 2 ** 42 });
const value = fc.string({ minLength: 1, maxLength: 8, unit: 'binary' });
const issued = fc.record({
  value,
  fingerprint: value,
  account: value,
  issuedAt: instant,
  expiresAt: instant,
  renewedAt: instant,
  confirmedAt: instant,
});
const failure = fc.record({
  count: fc.integer({ min: 1, max: 9 }),
  kind: fc.constantFrom('transient', 'quota'),
  code: value,
  message: value,
  at: instant,
  attemptFingerprint: fc.string(),
});
/** Few leases and versions, so that those of another writer come up again. */
const changes = fc.record({
  leaseId: fc.constantFrom('', 'one', 'two'),
  version: fc.nat(2),
  leaseUntil: instant,
  validityUnknown: fc.boolean(),
  more: fc.record({ current: issued, failure }, { requiredKeys: [] }),
});
/** What the writer believes to be stored: nothing, or what was written so many writes ago. */
const seenAgo = fc.option(fc.nat(3), { nil: undefined });
const writes = fc.array(fc.tuple(seenAgo, changes), { minLength: 1, maxLength: 12 });

test('the table in memory and the real one take and refuse the same writes, and hold the same', async () => {
  let refused = 0;
  let stories = 0;
  await fc.assert(
    fc.asyncProperty(writes, async (story) => {
      const id = `story-${++stories}/access-token` as const;
      const real = recordTable(table.client, table.tableName);
      const inMemory = memoryStore(new Map());
      const written: CredentialRecord[] = [];
      for (const [ago, { more, ...change }] of story) {
        const next: CredentialRecord = { ...blankRecord(id), ...change, ...more };
        const seen = ago === undefined ? undefined : written.at(-1 - ago);
        const taken = await real.swap(seen, next);
        expect(await inMemory.swap(seen, next)).toBe(taken);
        if (!taken) refused++;
        written.push(next);
        // Twice, as the SDK writes whose answer was lost.
        expect(await inMemory.swap(seen, next)).toBe(await real.swap(seen, next));
        expect(await inMemory.read([id])).toEqual(await real.read([id]));
      }
    }),
    { numRuns: 40 },
  );
  expect(refused).toBeGreaterThan(50);
});
