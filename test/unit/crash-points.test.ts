import { describe, expect, test } from 'vitest';
import { SourceError } from '../../functions/core/errors.ts';
import { type RefreshRequest, refresh } from '../../functions/core/refresh.ts';
import { timingOf } from '../../functions/core/timing.ts';
import { shop } from '../support/apps.ts';
import { MemoryWorld } from '../support/memory-ports.ts';

/** Every call that leaves the core, and for each: death before it, death after it, its answer lost. None is left out. */

const T0 = 1_767_225_600_000;
const MINUTE = 60_000;
const schedule = { refreshAfterMs: 100 * MINUTE, probeMs: 5 * MINUTE, timing: timingOf(MINUTE) };
const ids = ['shop/access-token', 'shop/jsapi-ticket'];

type Accident = 'dies before' | 'dies after' | 'loses the answer of';
const accidents: readonly Accident[] = ['dies before', 'dies after', 'loses the answer of'];

const stories: {
  name: string;
  minute: number;
  request: RefreshRequest;
  arrange?: (world: MemoryWorld) => void;
}[] = [
  { name: 'the first fetch', minute: 0, request: {} },
  { name: 'a token that is due', minute: 100, request: {} },
  { name: 'a forced refresh in mid-life', minute: 30, request: { force: true } },
  { name: 'a token and a ticket that have both ended', minute: 121, request: {} },
  { name: 'a probe that finds the token good', minute: 30, request: {} },
  {
    name: 'a probe that finds the token dead',
    minute: 30,
    request: {},
    arrange: (world) => {
      world.wechat.rotate(world.now);
      world.wechat.rotate(world.now);
    },
  },
  {
    name: 'a mirror that is behind',
    minute: 30,
    request: {},
    arrange: (world) => {
      for (const [id, record] of world.records) world.records.set(id, { ...record, mirroredVersion: 0 });
      world.parameters.clear();
    },
  },
];

async function startedWorld(minute: number, arrange?: (world: MemoryWorld) => void): Promise<MemoryWorld> {
  const world = new MemoryWorld(T0);
  if (minute > 0) await refresh([shop], {}, schedule, world.ports());
  world.now = T0 + minute * MINUTE;
  arrange?.(world);
  return world;
}

/** Runs once and has the accident at the `at`-th call; returns the names of the calls that were made. */
async function runWith(
  world: MemoryWorld,
  request: RefreshRequest,
  accident: Accident,
  at: number,
): Promise<string[]> {
  const calls: string[] = [];
  const died = Promise.withResolvers<never[]>();
  const never = () => {
    died.resolve([]);
    return new Promise<never>(() => undefined);
  };
  const ports = world.ports(async (name, call) => {
    calls.push(name);
    if (calls.length !== at) return call();
    if (accident === 'dies before') return never();
    const answer = call();
    if (accident === 'dies after') return never();
    void answer;
    throw name.startsWith('source.')
      ? new SourceError('lost', { code: 'lost', kind: 'transient', mayHaveRotated: true })
      : new Error('lost');
  });
  await Promise.race([refresh([shop], request, schedule, ports).catch(() => []), died.promise]);
  return calls;
}

/** How many calls leave the core in this story when nothing goes wrong, and how many WeChat has answered by then. */
async function countCalls(minute: number, request: RefreshRequest, arrange?: (world: MemoryWorld) => void) {
  const world = await startedWorld(minute, arrange);
  const calls = await runWith(world, request, 'dies before', 0);
  return { total: calls.length, upstream: world.wechat.calls };
}

describe.each(stories)('a refresher at $name', ({ minute, request, arrange }) => {
  test.each(accidents)('that %s any one call leaves nothing that two ticks do not heal', async (accident) => {
    const { total, upstream } = await countCalls(minute, request, arrange);
    expect(total).toBeGreaterThanOrEqual(4);
    for (let at = 1; at <= total; at++) {
      const world = await startedWorld(minute, arrange);
      const versionsBefore = ids.map((id) => world.records.get(id)?.version ?? 0);
      const calls = await runWith(world, request, accident, at);
      const where = `${accident} call ${at} of ${total}, ${calls.at(-1)}`;

      const crashedAt = world.now;
      for (const tick of [1, 2]) {
        world.now = crashedAt + tick * MINUTE;
        await refresh([shop], { mayWait: true }, schedule, world.ports());
      }

      for (const [index, id] of ids.entries()) {
        const record = world.records.get(id);
        expect(record?.version, `${where}: ${id}`).toBeGreaterThanOrEqual(versionsBefore[index] ?? 0);
        expect(record, `${where}: ${id}`).toMatchObject({ leaseUntil: 0, mirroredVersion: record?.version });
        expect(record?.valueInDoubt, `${where}: ${id}`).toBe(false);
        expect(world.parameters.get(id), `${where}: ${id}`).toBe(record?.current?.value);
        expect(world.wechat.accepts(record?.current?.value, world.now), `${where}: ${id} lives`).toBe(true);
      }
      // Past every overlap: what is served then is no leftover that WeChat was about to kill.
      const settled = world.wechat.calls;
      // One accident costs one call more at the most: that of the answer which it took away.
      expect(settled, where).toBeLessThanOrEqual(upstream + 1);
      for (let tick = 3; tick <= 10; tick++) {
        world.now = crashedAt + tick * MINUTE;
        const results = await refresh([shop], {}, schedule, world.ports());
        expect(
          results.map(({ outcome }) => outcome),
          where,
        ).toEqual(['fresh', 'fresh']);
      }
      expect(world.wechat.calls, where).toBe(settled);
      for (const id of ids) {
        expect(world.wechat.accepts(world.parameters.get(id), world.now), `${where}: ${id} still lives`).toBe(
          true,
        );
      }
    }
  });
});

describe('a refresher that outlives its lease (a suspended machine, a clock that is wrong)', () => {
  /** A stalls before the call named `at` until its lease is over and B has done the work; then it goes on. */
  async function overtaken(at: 'source.fetch' | 'mirror.write'): Promise<MemoryWorld> {
    const world = await startedWorld(100);
    let stalled = false;
    const ports = world.ports(async (name, call) => {
      if (name === at && !stalled) {
        stalled = true;
        world.now += schedule.timing.leaseMs;
        await refresh([shop], { force: true }, schedule, world.ports());
      }
      return call();
    });
    await refresh([shop], {}, schedule, ports);
    return world;
  }

  test.each(['source.fetch', 'mirror.write'] as const)('before %s harms nobody for long', async (at) => {
    const world = await overtaken(at);
    for (let tick = 1; tick <= 12; tick++) {
      world.now += MINUTE;
      await refresh([shop], {}, schedule, world.ports());
      if (tick < 2) continue;
      const token = world.records.get('shop/access-token')?.current?.value;
      expect(world.parameters.get('shop/access-token'), `tick ${tick}`).toBe(token);
      expect(world.wechat.accepts(token, world.now), `tick ${tick}`).toBe(true);
    }
  });
});

test('a forced refresh that loses the race to a repair of the mirror is still carried out', async () => {
  const world = await startedWorld(30, (each) => {
    for (const [id, record] of each.records) each.records.set(id, { ...record, mirroredVersion: 0 });
  });
  let first = true;
  const ports = world.ports(async (name, call) => {
    if (name === 'store.swap' && first) {
      first = false;
      await refresh([shop], {}, schedule, world.ports());
    }
    return call();
  });
  const results = await refresh([shop], { force: true }, schedule, ports);
  expect(results[0]).toMatchObject({ credential: 'access-token', outcome: 'renewed', reason: 'forced' });
});
