import { DEMO_ACCOUNT } from '../../local/simulator/simulator.ts';
import { startRefresherProcess } from '../../test/support/start-refresher-process.ts';
import { startWorld, TICK } from '../../test/support/world.ts';
import { startPeer } from '../peers/start-peer.ts';
import { type Crowd, type Setup, shares } from './setup.ts';
import { startReadUrl } from './start-read-url.ts';

/**
 * App servers whose SDK asks our read URL, for each need anew, while as many refreshers get as many ticks at the same moment.
 */
export async function openOurScene(load: Crowd): Promise<Setup> {
  const world = await startWorld();
  const { simulator, clock } = world;
  const readUrl = await startReadUrl(world);
  const settings = {
    sdk: 'co-wechat-api',
    ...DEMO_ACCOUNT,
    wechatUrl: simulator.url,
    readUrl: readUrl.url,
  } as const;
  const each = Array.from({ length: load.processes });
  const peers = await Promise.all(each.map(() => startPeer(settings, clock.now())));
  const refreshers = await Promise.all(each.map(() => startRefresherProcess(world)));
  const ticks = shares(load).map((size) => Array.from({ length: size }, () => TICK));
  return {
    simulator,
    peers,
    async passMs(durationMs) {
      clock.advance(durationMs);
      await readUrl.catchUp();
    },
    begin: async () => void (await world.tick()),
    async trigger() {
      const versionBefore = (await world.record())?.version ?? 0;
      await Promise.all(refreshers.map((refresher, index) => refresher.run(ticks[index] ?? [])));
      const version = (await world.record())?.version ?? 0;
      // What is counted is calls for one renewal, so there has to be one.
      if (version !== versionBefore + 1) throw new Error(`version ${version} came after ${versionBefore}`);
    },
    async close() {
      for (const process of [...peers, ...refreshers, readUrl]) process.stop();
      await world.close();
    },
  };
}
