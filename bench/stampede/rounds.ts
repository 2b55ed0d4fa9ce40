import type { CallOutcome } from '../peers/peer-process.ts';
import type { Peer } from '../peers/start-peer.ts';
import { type Crowd, type Scene, shares } from './scene.ts';

export type Round = {
  /** At WeChat, while everybody needed the token for the first time. */
  readonly tokenCalls: number;
  readonly outcomes: readonly CallOutcome[];
  /** Of those that failed, a second later. */
  readonly again: readonly CallOutcome[];
};

/** Dead tokens are forgotten after it (issued.ts), so that rounds do not slow each other. */
const QUIET_MS = 27 * 3_600_000;

/** @param ageMs of the token when all need it */
export async function playRounds(
  scene: Scene,
  { crowd, rounds, ageMs }: { crowd: Crowd; rounds: number; ageMs: number },
): Promise<Round[]> {
  const sizes = shares(crowd);
  const needs = scene.peers.flatMap((peer, index) => Array.from({ length: sizes[index] ?? 0 }, () => peer));
  const played: Round[] = [];
  while (played.length < rounds) {
    await scene.passMs(QUIET_MS);
    await scene.begin();
    await scene.passMs(ageMs);
    played.push(await playRound(scene, needs));
  }
  return played;
}

async function playRound(scene: Scene, needs: readonly Peer[]): Promise<Round> {
  const callsBefore = tokenCalls(scene);
  const [outcomes] = await Promise.all([meet(scene, needs), scene.trigger()]);
  const calls = tokenCalls(scene) - callsBefore;
  await scene.passMs(1_000);
  const again = await meet(
    scene,
    needs.filter((_, index) => outcomes[index]?.ok === false),
  );
  return { tokenCalls: calls, outcomes, again };
}

/** All at once. */
function meet({ simulator }: Scene, needs: readonly Peer[]): Promise<CallOutcome[]> {
  const atMs = simulator.clock.now();
  return Promise.all(needs.map((peer) => peer.call(atMs)));
}

function tokenCalls({ simulator }: Scene): number {
  return simulator.calls('/cgi-bin/token').length + simulator.calls('/cgi-bin/stable_token').length;
}
