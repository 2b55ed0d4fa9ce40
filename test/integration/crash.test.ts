import { afterEach, describe, expect, test } from 'vitest';
import type { CrashPoint } from '../../bench/harness/refresher-process.ts';
import { startRefresherProcess } from '../../bench/harness/start-refresher-process.ts';
import { shop, startWorld, TICK, type World } from '../../bench/harness/world.ts';

let world: World;
afterEach(() => world.close());

const points: readonly { point: CrashPoint; upstreamCalls: number }[] = [
  { point: 'after-lease', upstreamCalls: 1 },
  // WeChat's answer died with the process: only another call can bring a token that we know.
  { point: 'after-answer', upstreamCalls: 2 },
  { point: 'after-commit', upstreamCalls: 1 },
  { point: 'after-mirror', upstreamCalls: 1 },
];

async function killedRefresher(crashAt: CrashPoint, event: unknown): Promise<void> {
  const process = await startRefresherProcess(world, { crashAt });
  expect(await process.run([event])).toBe('killed');
}

describe.each([
  { story: 'the first renewal', minute: 0, event: TICK },
  { story: 'a renewal that is due', minute: 100, event: TICK },
  { story: 'a forced renewal in mid-life', minute: 30, event: { app: 'shop', force: true } },
])('a refresher killed in $story', ({ minute, event }) => {
  test.each(points)(
    '$point: two ticks leave table and SSM equal and the token live',
    async ({ point, upstreamCalls }) => {
      world = await startWorld();
      if (minute > 0) await world.tick();
      const before = world.simulator.calls('/cgi-bin/token').length;
      world.at(minute);
      await killedRefresher(point, event);

      for (const tick of [1, 2]) {
        world.at(minute + tick);
        await world.tick();
        const served = await world.get('/apps/shop/access-token');
        // Whatever is served meanwhile is a token that WeChat accepts.
        if (served.status === 200) {
          expect(world.simulator.isTokenValid(JSON.parse(served.body).access_token)).toBe(true);
        }
      }

      const record = await world.record();
      expect(record).toMatchObject({ leaseUntil: 0, validityUnknown: false });
      expect(record?.mirroredVersion).toBe(record?.version);
      expect(world.parameter()).toBe(record?.current?.value);
      expect(world.simulator.isTokenValid(record?.current?.value ?? '')).toBe(true);
      expect(record?.current?.value).toBe(world.simulator.currentToken(shop.appId, 'classic'));
      expect(world.simulator.calls('/cgi-bin/token').length - before).toBe(upstreamCalls);
      const quiet = await world.tick();
      expect(quiet).toMatchObject([{ outcome: 'fresh' }]);
    },
  );
});
