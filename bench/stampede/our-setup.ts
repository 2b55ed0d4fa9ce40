import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DEMO_ACCOUNT } from '../../local/simulator/simulator.ts';
import { startRefresherProcess } from '../harness/start-refresher-process.ts';
import { startWorld, TICK, type World } from '../harness/world.ts';
import { startPeer } from '../peers/start-peer.ts';
import type { ReadUrlSettings } from './read-url-process.ts';
import { type Load, requestsPerProcess, type Setup } from './rounds.ts';

/**
 * App servers whose SDK asks our read URL for the token before each call, while as many refreshers get as many ticks at the
 * same moment.
 */
export async function openOurSetup(load: Load): Promise<Setup> {
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
  const ticks = requestsPerProcess(load).map((size) => Array.from({ length: size }, () => TICK));
  return {
    simulator,
    peers,
    async passMs(durationMs) {
      clock.advance(durationMs);
      await readUrl.syncClock();
    },
    start: async () => void (await world.tick()),
    async renew() {
      const versionBefore = (await world.record())?.version ?? 0;
      await Promise.all(refreshers.map((refresher, index) => refresher.run(ticks[index] ?? [])));
      const version = (await world.record())?.version ?? 0;
      // The bench counts the calls for one renewal, so there has to be exactly one.
      if (version !== versionBefore + 1) throw new Error(`version ${version} came after ${versionBefore}`);
    },
    async close() {
      for (const process of [...peers, ...refreshers, readUrl]) process.stop();
      await world.close();
    },
  };
}

type ReadUrl = {
  readonly url: string;
  /** Sets its clock to that of the world. */
  syncClock(): Promise<void>;
  stop(): void;
};

async function startReadUrl({ app, table, clock }: World): Promise<ReadUrl> {
  const settings: ReadUrlSettings = { app, tableEndpoint: table.endpoint, tableName: table.tableName };
  const script = fileURLToPath(new URL('./read-url-process.ts', import.meta.url));
  const child = fork(script, { env: { ...process.env, SETTINGS: JSON.stringify(settings) }, execArgv: [] });
  const [url] = await once(child, 'message');
  const syncClock = async () => {
    const done = once(child, 'message');
    child.send(clock.now());
    await done;
  };
  await syncClock();
  return { url, syncClock, stop: () => void child.kill() };
}
