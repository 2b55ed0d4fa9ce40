import { expect, test } from 'vitest';
import { instrumented } from '../../bench/harness/instrumented-ports.ts';
import { MemoryWorld } from '../../bench/harness/memory-world.ts';
import { refresh } from '../../functions/core/refresh.ts';
import { timingOf } from '../../functions/core/rules/timing.ts';
import { shop } from '../support/apps.ts';

const T0 = 1_767_225_600_000;
const MINUTE = 60_000;
const schedule = { refreshAfterMs: 100 * MINUTE, probeMs: 0, timing: timingOf(MINUTE) };

test('a ticket that has ended is not mirrored, though WeChat returns it once more', async () => {
  const world = new MemoryWorld([shop], T0);
  const written: number[] = [];
  const ports = instrumented(world.ports(), async (name, about, call) => {
    if (name === 'source.fetch' && world.clock.now() < T0 + MINUTE) world.clock.advance(2_000);
    if (name !== 'mirror.write' || about !== 'shop/jsapi-ticket') return call();
    if (world.clock.now() < T0 + 119.9 * MINUTE) throw new Error('down');
    written.push(world.clock.now());
    return call();
  });
  await refresh([shop], {}, schedule, ports);
  world.clock.set(T0 + 119.5 * MINUTE);
  await refresh([shop], { mayWait: true }, schedule, ports);
  expect(written).toEqual([T0 + 120 * MINUTE + 6_000]);
});

test('a ticket whose answer took long ends later than we think: the tick asks until it has the next one', async () => {
  const world = new MemoryWorld([shop], T0);
  const slow = instrumented(world.ports(), async (name, _about, call) => {
    if (name === 'source.fetch') world.clock.advance(2_000);
    return call();
  });
  // The token takes two seconds and the ticket two more, and lives are counted from the beginning of the run.
  await refresh([shop], {}, schedule, slow);
  world.clock.set(T0 + 100 * MINUTE);
  await refresh([shop], {}, schedule, world.ports());

  world.clock.set(T0 + 119.5 * MINUTE);
  expect(await refresh([shop], { mayWait: true }, schedule, world.ports())).toMatchObject([
    { credential: 'access-token', outcome: 'fresh' },
    { credential: 'jsapi-ticket', outcome: 'renewed', version: 2 },
  ]);
  // Asked one second past the end that we expect, three and six; WeChat's own is four past it.
  expect(world.clock.now()).toBe(T0 + 120 * MINUTE + 6_000);
  expect(world.wechat.calls('/cgi-bin/ticket/getticket')).toHaveLength(4);
});
