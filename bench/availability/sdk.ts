import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO_ACCOUNT, ManualClock, startSimulator } from '../../local/simulator/simulator.ts';
import type { PeerSettings } from '../peers/sdks.ts';
import { type Peer, startPeer } from '../peers/start-peer.ts';
import { titleOf } from '../peers/title.ts';
import { type CallEnd, type Candidate, SERVERS } from './candidate.ts';
import { MONTH_START } from './month.ts';

const DEAD_TOKEN = new Set(['40001', '40014', '42001']);

/** An unmodified SDK in a process for each server, over real HTTP, with the shared store that its documentation asks for. */
export async function sdk(name: PeerSettings['sdk'], keeping: string): Promise<Candidate> {
  const clock = new ManualClock(MONTH_START);
  const simulator = await startSimulator({ clock });
  const folder = mkdtempSync(join(tmpdir(), 'availability-'));
  const away = `${folder}-away`;
  const settings = { sdk: name, ...DEMO_ACCOUNT, wechatUrl: simulator.url, folder };
  const start = () => Promise.all(Array.from({ length: SERVERS }, () => startPeer(settings, clock.now())));
  let peers: Peer[] = await start();
  return {
    name: titleOf(name, keeping),
    clock,
    wechat: simulator,
    call: () =>
      Promise.all(
        peers.map(async (peer): Promise<CallEnd> => {
          const { ok, failure = '' } = await peer.call(clock.now());
          return ok ? 'ok' : DEAD_TOKEN.has(failure) ? 'dead' : 'none';
        }),
      ),
    async applyFault(kind, standing) {
      // A store that is down answers nothing and keeps nothing.
      if (kind === 'store-down') renameSync(standing ? folder : away, standing ? away : folder);
      if (kind !== 'servers-restart') return;
      for (const peer of peers) peer.stop();
      peers = await start();
    },
    async close() {
      for (const peer of peers) peer.stop();
      await simulator.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
