import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO_ACCOUNT, ManualClock, startSimulator } from '../../local/simulator/simulator.ts';
import { type SdkName, titleOf } from '../peers/sdk-packages.ts';
import { type Peer, startPeer } from '../peers/start-peer.ts';
import { type CallResult, type Candidate, SERVERS } from './candidate.ts';
import { MONTH_START } from './month.ts';

const INVALID_TOKEN = new Set(['40001', '40014', '42001']);

/** An unmodified SDK in a process for each server, over real HTTP, with the shared storage that its documentation asks for. */
export async function sdk(name: SdkName, storage: string): Promise<Candidate> {
  const clock = new ManualClock(MONTH_START);
  const simulator = await startSimulator({ clock });
  const folder = mkdtempSync(join(tmpdir(), 'availability-'));
  const moved = `${folder}-moved`;
  const settings = { sdk: name, ...DEMO_ACCOUNT, wechatUrl: simulator.url, folder };
  const start = () => Promise.all(Array.from({ length: SERVERS }, () => startPeer(settings, clock.now())));
  let peers: Peer[] = await start();
  return {
    name: titleOf(name, storage),
    clock,
    wechat: simulator,
    call: () =>
      Promise.all(
        peers.map(async (peer): Promise<CallResult> => {
          const { ok, failure = '' } = await peer.call(clock.now());
          return ok ? 'ok' : INVALID_TOKEN.has(failure) ? 'invalid' : 'none';
        }),
      ),
    async applyFault(kind, active) {
      // Without the folder the SDK can neither read nor write, as with a store that is down.
      if (kind === 'store-down') renameSync(active ? folder : moved, active ? moved : folder);
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
