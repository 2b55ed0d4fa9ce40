import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { memoryStore } from '../../bench/harness/memory-world.ts';
import { startWorld, type World } from '../../bench/harness/world.ts';
import { recordTable } from '../../functions/aws/record-table.ts';
import { blankRecord, type CredentialRecord } from '../../functions/core/credential.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

describe('the table', () => {
  const leased = { ...blankRecord('shop/access-token'), leaseId: 'a', leaseUntil: 1_767_225_700_000 };

  test('gives the lease to one of fifty refreshers that take it at the same time', async () => {
    const attempts = Array.from({ length: 50 }, (_, index) =>
      world.store.swap(undefined, { ...leased, leaseId: `lease-${index}` }),
    );
    expect((await Promise.all(attempts)).filter(Boolean)).toHaveLength(1);
  });

  test('refuses the commit of a refresher whose lease was taken over', async () => {
    await world.store.swap(undefined, leased);
    expect(await world.store.swap(leased, { ...leased, leaseId: 'b' })).toBe(true);
    expect(await world.store.swap(leased, { ...leased, version: 1, leaseUntil: 0 })).toBe(false);
    expect(await world.record()).toMatchObject({ leaseId: 'b', version: 0 });
  });

  test('refuses the lease to a refresher that has read an older version', async () => {
    await world.store.swap(undefined, leased);
    await world.store.swap(leased, { ...leased, version: 1, leaseUntil: 0 });
    expect(await world.store.swap(leased, { ...leased, leaseId: 'b' })).toBe(false);
  });

  test.each([
    ['has no version', { leaseId: { S: 'x' } }],
    ['has a version that is not a number', { leaseId: { S: 'x' }, version: { S: 'seven' } }],
    ['has an empty lease id', { leaseId: { S: '' }, version: { N: '7' } }],
    ['is nothing but its key', {}],
  ])('may hold an item that %s: the credential is renewed all the same', async (_name, item) => {
    const { client, tableName } = world.table;
    await client.send(
      new PutItemCommand({ TableName: tableName, Item: { id: { S: 'shop/access-token' }, ...item } }),
    );
    expect(await world.tick()).toMatchObject([{ outcome: 'renewed', reason: 'no-value' }]);
    expect(await world.tick()).toMatchObject([{ outcome: 'fresh' }]);
  });

  test('reports a write as written when only its answer was lost', async () => {
    let writes = 0;
    // As the SDK does when the connection breaks after DynamoDB has written: it sends the same request again.
    world.table.client.middlewareStack.add(
      (next) => async (args) => {
        if (++writes === 1) await next(args);
        return next(args);
      },
      { step: 'finalizeRequest', name: 'twice' },
    );
    const store = recordTable(world.table.client, world.table.tableName);
    expect(await store.swap(undefined, leased)).toBe(true);
    expect(writes).toBeGreaterThan(1);
  });
});

/** test/proof runs on a table in memory; so that one must behave like the real one. */
describe('the table in memory', () => {
  const instant = fc.integer({ min: 1, max: 2 ** 42 });
  const value = fc.string({ minLength: 1, maxLength: 8, unit: 'binary' });
  const current = fc.record({
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
    optional: fc.record({ current, failure }, { requiredKeys: [] }),
  });
  /** The record that the writer has read: none, or the one that was written so many writes ago. */
  const writesAgo = fc.option(fc.nat(3), { nil: undefined });
  const writes = fc.array(fc.tuple(writesAgo, changes), { minLength: 1, maxLength: 12 });

  test('accepts and refuses the same writes as the real one, and holds the same records', async () => {
    let refused = 0;
    let scenarios = 0;
    await fc.assert(
      fc.asyncProperty(writes, async (scenario) => {
        const id = `scenario-${++scenarios}/access-token` as const;
        const real = recordTable(world.table.client, world.table.tableName);
        const inMemory = memoryStore(new Map());
        const written: CredentialRecord[] = [];
        for (const [ago, { optional, ...change }] of scenario) {
          const next: CredentialRecord = { ...blankRecord(id), ...change, ...optional };
          const seen = ago === undefined ? undefined : written.at(-1 - ago);
          const accepted = await real.swap(seen, next);
          expect(await inMemory.swap(seen, next)).toBe(accepted);
          if (!accepted) refused++;
          written.push(next);
          // The same write again, as the SDK sends it when the answer was lost.
          expect(await inMemory.swap(seen, next)).toBe(await real.swap(seen, next));
          expect(await inMemory.read([id])).toEqual(await real.read([id]));
        }
      }),
      { numRuns: 40 },
    );
    expect(refused).toBeGreaterThan(50);
  });
});
