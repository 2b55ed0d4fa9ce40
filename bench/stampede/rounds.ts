import type { CallOutcome } from '../peers/peer-process.ts';
import type { Peer } from '../peers/start-peer.ts';
import { type Crowd, type Setup, shares } from './setup.ts';

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
  setup: Setup,
  { load, rounds, ageMs }: { load: Crowd; rounds: number; ageMs: number },
): Promise<Round[]> {
  const sizes = shares(load);
  const needs = setup.peers.flatMap((peer, index) => Array.from({ length: sizes[index] ?? 0 }, () => peer));
  const played: Round[] = [];
  while (played.length < rounds) {
    await setup.passMs(QUIET_MS);
    await setup.begin();
    await setup.passMs(ageMs);
    played.push(await playRound(setup, needs));
  }
  return played;
}

async function playRound(setup: Setup, needs: readonly Peer[]): Promise<Round> {
  const callsBefore = tokenCalls(setup);
  const [outcomes] = await Promise.all([meet(setup, needs), setup.trigger()]);
  const calls = tokenCalls(setup) - callsBefore;
  await setup.passMs(1_000);
  const again = await meet(
    setup,
    needs.filter((_, index) => outcomes[index]?.ok === false),
  );
  return { tokenCalls: calls, outcomes, again };
}

/** All at once. */
function meet({ simulator }: Setup, needs: readonly Peer[]): Promise<CallOutcome[]> {
  const atMs = simulator.clock.now();
  return Promise.all(needs.map((peer) => peer.call(atMs)));
}

function tokenCalls({ simulator }: Setup): number {
  return simulator.calls('/cgi-bin/token').length + simulator.calls('/cgi-bin/stable_token').length;
}
