import { describe, expect, test } from 'vitest';
import { type CallName, instrumented } from '../../bench/harness/instrumented-ports.ts';
import { MemoryWorld } from '../../bench/harness/memory-world.ts';
import type { Ports } from '../../functions/core/ports.ts';
import { refresh } from '../../functions/core/refresh.ts';
import { timingOf } from '../../functions/core/rules/timing.ts';
import { shop } from '../support/apps.ts';

/** Two refreshers, of which one stands still while the other works. Those that die: test/proof/crash-points.test.ts. */

const T0 = 1_767_225_600_000;
const MINUTE = 60_000;
/** Without probes, which would find later what has to be known at once. */
const schedule = { refreshAfterMs: 100 * MINUTE, probeMs: 0, timing: timingOf(MINUTE) };

async function worldAt(minute: number): Promise<MemoryWorld> {
  const world = new MemoryWorld([shop], T0);
  await refresh([shop], {}, schedule, world.ports());
  world.clock.set(T0 + minute * MINUTE);
  return world;
}

/** Ports of a refresher that stands still before its first call of this name, until `meanwhile` has happened. */
function stalling(world: MemoryWorld, at: CallName, meanwhile: () => Promise<unknown>): Ports {
  let stalled = false;
  return instrumented(world.ports(), async (name, _about, call) => {
    if (name === at && !stalled) {
      stalled = true;
      await meanwhile();
    }
    return call();
  });
}

describe('a refresher that outlives its lease (a suspended machine, a clock that is wrong)', () => {
  test.each(['source.fetch', 'mirror.write'] as const)('before %s harms nobody for long', async (at) => {
    const world = await worldAt(100);
    const ports = stalling(world, at, () => {
      world.clock.advance(schedule.timing.leaseMs);
      return refresh([shop], { force: true }, schedule, world.ports());
    });
    await refresh([shop], {}, schedule, ports);
    for (let tick = 1; tick <= 12; tick++) {
      world.clock.advance(MINUTE);
      await refresh([shop], {}, schedule, world.ports());
      if (tick < 2) continue;
      const token = world.records.get('shop/access-token')?.current?.value ?? '';
      expect(world.parameters.get('shop/access-token'), `tick ${tick}`).toBe(token);
      expect(world.wechat.isTokenValid(token), `tick ${tick}`).toBe(true);
    }
  });
});

test('a refresher that was overtaken leaves word, even when its successor is just writing', async () => {
  const world = await worldAt(100);
  const mirrorAgain = async () => {
    for (const [id, record] of world.records) world.records.set(id, { ...record, mirroredVersion: 0 });
    await refresh([shop], {}, schedule, world.ports());
  };
  const fate = stalling(world, 'source.fetch', () => {
    world.clock.advance(schedule.timing.leaseMs);
    return refresh([shop], { force: true }, schedule, world.ports());
  });
  let swaps = 0;
  const ports = instrumented(fate, async (name, _about, call) => {
    // The lease, the commit that fails, and the word.
    if (name === 'store.swap' && ++swaps === 3) await mirrorAgain();
    return call();
  });
  const results = await refresh([shop], {}, schedule, ports);
  expect(results[0]).toMatchObject({ outcome: 'failed', error: { code: 'lease-lost' } });
  expect(world.records.get('shop/access-token')?.validityUnknown).toBe(true);
});

test('a run whose time is used up begins nothing more, and leaves no lease', async () => {
  const world = await worldAt(100);
  const before = world.wechat.calls().length;
  const ports = stalling(world, 'store.read', async () => {
    world.clock.advance(schedule.timing.lastStartMs + 1);
  });
  expect(await refresh([shop], {}, schedule, ports)).toMatchObject([
    { credential: 'access-token', outcome: 'busy', reason: 'no-time-left' },
    { credential: 'jsapi-ticket', outcome: 'fresh' },
  ]);
  expect(world.wechat.calls()).toHaveLength(before);
  expect(world.records.get('shop/access-token')?.leaseUntil).toBe(0);
  expect((await refresh([shop], {}, schedule, world.ports()))[0]).toMatchObject({ outcome: 'renewed' });
});

test('a forced refresh that loses the race to a repair of the mirror is still carried out', async () => {
  const world = await worldAt(30);
  for (const [id, record] of world.records) world.records.set(id, { ...record, mirroredVersion: 0 });
  const ports = stalling(world, 'store.swap', () => refresh([shop], {}, schedule, world.ports()));
  const results = await refresh([shop], { force: true }, schedule, ports);
  expect(results[0]).toMatchObject({ credential: 'access-token', outcome: 'renewed', reason: 'forced' });
});
