import { describe, expect, test } from 'vitest';
import { type CallName, instrumented } from '../../bench/harness/instrumented-ports.ts';
import { MemoryWorld } from '../../bench/harness/memory-world.ts';
import type { Ports } from '../../functions/core/ports.ts';
import { refresh } from '../../functions/core/refresh.ts';
import { timingOf } from '../../functions/core/rules/timing.ts';
import { shop } from '../support/apps.ts';

/** Runs that are delayed at one call, while time passes or another refresher runs. Crashes: test/proof/crash-points.test.ts. */

const T0 = 1_767_225_600_000;
const MINUTE = 60_000;
/** Without probes, which would correct later what must be right at once. */
const schedule = { refreshAfterMs: 100 * MINUTE, probeMs: 0, timing: timingOf(MINUTE) };

/** A world that has run its first tick, at `minute`. */
async function worldAt(minute: number): Promise<MemoryWorld> {
  const world = new MemoryWorld([shop], T0);
  await refresh([shop], {}, schedule, world.ports());
  world.clock.set(T0 + minute * MINUTE);
  return world;
}

/** Ports of a refresher that is suspended before its first call of this name, until `meanwhile` has happened. */
function suspendedAt(world: MemoryWorld, at: CallName, meanwhile: () => Promise<unknown>): Ports {
  let suspended = false;
  return instrumented(world.ports(), async (name, _subject, call) => {
    if (name === at && !suspended) {
      suspended = true;
      await meanwhile();
    }
    return call();
  });
}

function setMirrorBehind({ records }: MemoryWorld): void {
  for (const [id, record] of records) records.set(id, { ...record, mirroredVersion: 0 });
}

describe('a refresher whose lease expires while it is suspended', () => {
  test.each(['source.fetch', 'mirror.write'] as const)(
    'before %s does no harm: two ticks later table and parameter hold one valid token',
    async (at) => {
      const world = await worldAt(100);
      const ports = suspendedAt(world, at, () => {
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
    },
  );

  test('records that validity is unknown, even if the next holder writes at the same moment', async () => {
    const world = await worldAt(100);
    const overtaken = suspendedAt(world, 'source.fetch', () => {
      world.clock.advance(schedule.timing.leaseMs);
      return refresh([shop], { force: true }, schedule, world.ports());
    });
    let writes = 0;
    const ports = instrumented(overtaken, async (name, _subject, call) => {
      // The lease, the commit that is refused, and the flag.
      if (name === 'store.swap' && ++writes === 3) {
        setMirrorBehind(world);
        await refresh([shop], {}, schedule, world.ports());
      }
      return call();
    });
    const results = await refresh([shop], {}, schedule, ports);
    expect(results[0]).toMatchObject({ outcome: 'failed', error: { code: 'lease-lost' } });
    expect(world.records.get('shop/access-token')?.validityUnknown).toBe(true);
  });
});

test('a run without time left starts no attempt, and leaves no lease behind', async () => {
  const world = await worldAt(100);
  const callsBefore = world.wechat.calls().length;
  const ports = suspendedAt(world, 'store.read', async () => {
    world.clock.advance(schedule.timing.lastStartMs + 1);
  });
  expect(await refresh([shop], {}, schedule, ports)).toMatchObject([
    { credential: 'access-token', outcome: 'busy', reason: 'no-time-left' },
    { credential: 'jsapi-ticket', outcome: 'fresh' },
  ]);
  expect(world.wechat.calls()).toHaveLength(callsBefore);
  expect(world.records.get('shop/access-token')?.leaseUntil).toBe(0);
  expect((await refresh([shop], {}, schedule, world.ports()))[0]).toMatchObject({ outcome: 'renewed' });
});

test('a forced refresh that loses the race to a repair of the mirror is carried out after it', async () => {
  const world = await worldAt(30);
  setMirrorBehind(world);
  const ports = suspendedAt(world, 'store.swap', () => refresh([shop], {}, schedule, world.ports()));
  const results = await refresh([shop], { force: true }, schedule, ports);
  expect(results[0]).toMatchObject({ credential: 'access-token', outcome: 'renewed', reason: 'forced' });
});

describe('a ticket whose first fetch was slow', () => {
  test('is not mirrored after its end, although WeChat returns it once more', async () => {
    const world = new MemoryWorld([shop], T0);
    const mirroredAt: number[] = [];
    const ports = instrumented(world.ports(), async (name, subject, call) => {
      if (name === 'source.fetch' && world.clock.now() < T0 + MINUTE) world.clock.advance(2_000);
      if (name !== 'mirror.write' || subject !== 'shop/jsapi-ticket') return call();
      if (world.clock.now() < T0 + 119.9 * MINUTE) throw new Error('down');
      mirroredAt.push(world.clock.now());
      return call();
    });
    await refresh([shop], {}, schedule, ports);
    world.clock.set(T0 + 119.5 * MINUTE);
    await refresh([shop], { mayWait: true }, schedule, ports);
    expect(mirroredAt).toEqual([T0 + 120 * MINUTE + 6_000]);
  });

  test('ends later at WeChat than in our record: the tick asks until it gets the next one', async () => {
    const world = new MemoryWorld([shop], T0);
    const slow = instrumented(world.ports(), async (name, _subject, call) => {
      if (name === 'source.fetch') world.clock.advance(2_000);
      return call();
    });
    // The token takes two seconds and the ticket two more, and lifetimes are counted from the start of the run.
    await refresh([shop], {}, schedule, slow);
    world.clock.set(T0 + 100 * MINUTE);
    await refresh([shop], {}, schedule, world.ports());

    world.clock.set(T0 + 119.5 * MINUTE);
    expect(await refresh([shop], { mayWait: true }, schedule, world.ports())).toMatchObject([
      { credential: 'access-token', outcome: 'fresh' },
      { credential: 'jsapi-ticket', outcome: 'renewed', version: 2 },
    ]);
    // Fetched one, three and six seconds after the end in our record; WeChat's own end is four seconds after it.
    expect(world.clock.now()).toBe(T0 + 120 * MINUTE + 6_000);
    expect(world.wechat.calls('/cgi-bin/ticket/getticket')).toHaveLength(4);
  });
});
