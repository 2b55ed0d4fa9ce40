import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO_ACCOUNT, ManualClock, startSimulator } from '../../local/simulator/simulator.ts';
import type { SdkName } from '../peers/sdk-packages.ts';
import { startPeer } from '../peers/start-peer.ts';
import type { Setup } from './rounds.ts';

/**
 * App servers whose SDK fetches tokens itself, as the package is meant to be used.
 *
 * @param options.shared whether the processes share the token's storage
 */
export async function openPeerSetup(
  { sdk, shared }: { sdk: SdkName; shared: boolean },
  processes: number,
): Promise<Setup> {
  const clock = new ManualClock();
  // Without a daily quota, so that calls fail because of the stampede only.
  const account = { ...DEMO_ACCOUNT, dailyTokenQuota: Number.MAX_SAFE_INTEGER };
  const simulator = await startSimulator({ clock, accounts: [account] });
  const folder = mkdtempSync(join(tmpdir(), 'stampede-'));
  const settings = { sdk, ...DEMO_ACCOUNT, wechatUrl: simulator.url, ...(shared && { folder }) };
  const peers = await Promise.all(Array.from({ length: processes }, () => startPeer(settings, clock.now())));
  return {
    simulator,
    peers,
    passMs: async (durationMs) => clock.advance(durationMs),
    async start() {
      for (const peer of peers) await peer.call(clock.now());
    },
    renew: async () => undefined,
    async close() {
      for (const peer of peers) peer.stop();
      await simulator.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
