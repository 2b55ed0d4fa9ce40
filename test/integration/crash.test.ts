import { afterEach, describe, expect, test } from 'vitest';
import type { CrashPoint } from '../../bench/harness/refresher-process.ts';
import { startRefresherProcess } from '../../bench/harness/start-refresher-process.ts';
import { shop, startWorld, TICK, type World } from '../../bench/harness/world.ts';

let world: World;
afterEach(() => world.close());

const crashPoints: readonly { point: CrashPoint; upstreamCalls: number }[] = [
  { point: 'after-lease', upstreamCalls: 1 },
  // WeChat's answer was lost with the process: only another call can bring a token that we know.
  { point: 'after-answer', upstreamCalls: 2 },
  { point: 'after-commit', upstreamCalls: 1 },
  { point: 'after-mirror', upstreamCalls: 1 },
];

async function runUntilKilled(crashAt: CrashPoint, event: unknown): Promise<void> {
  const refresher = await startRefresherProcess(world, { crashAt });
  expect(await refresher.run([event])).toBe('killed');
}

describe.each([
  { renewal: 'the first renewal', minute: 0, event: TICK },
  { renewal: 'a due renewal', minute: 100, event: TICK },
  { renewal: 'a forced renewal', minute: 30, event: { app: 'shop', force: true } },
])('a refresher that is killed during $renewal', ({ minute, event }) => {
  test.each(crashPoints)(
    '$point: after two ticks table and SSM hold the same token, and WeChat accepts it',
    async ({ point, upstreamCalls }) => {
      world = await startWorld();
      if (minute > 0) await world.tick();
      const before = world.simulator.calls('/cgi-bin/token').length;
      world.at(minute);
      await runUntilKilled(point, event);

      for (const tick of [1, 2]) {
        world.at(minute + tick);
        await world.tick();
        const served = await world.get('/apps/shop/access-token');
        // What is served meanwhile is a token that WeChat accepts.
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
      expect(await world.tick()).toMatchObject([{ outcome: 'fresh' }]);
    },
  );
});
