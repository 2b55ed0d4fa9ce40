import type { Simulator } from '../../local/simulator/simulator.ts';
import type { CallOutcome } from '../peers/peer-process.ts';
import type { Peer } from '../peers/start-peer.ts';

/** App servers, the WeChat that they call, and the refresher of their token, if there is one; all on one clock. */
export type Setup = {
  readonly simulator: Simulator;
  readonly peers: readonly Peer[];
  passMs(durationMs: number): Promise<void>;
  /** Gives all app servers a token. */
  start(): Promise<void>;
  /** Renews the token, unless the app servers do that themselves. */
  renew(): Promise<void>;
  close(): Promise<void>;
};

/** Concurrent requests, spread evenly over processes. */
export type Load = { readonly processes: number; readonly requests: number };

export type Round = {
  /** Calls of WeChat's token interfaces during the first attempt of all requests. */
  readonly tokenCalls: number;
  readonly outcomes: readonly CallOutcome[];
  /** Of the failed requests, repeated a second later. */
  readonly again: readonly CallOutcome[];
};

/** The simulator forgets tokens a day after they expired; otherwise each round would be slower than the one before. */
const PAUSE_MS = 27 * 3_600_000;

/** @param ageMs age of the token when the requests are made */
export async function playRounds(
  setup: Setup,
  { load, rounds, ageMs }: { load: Load; rounds: number; ageMs: number },
): Promise<Round[]> {
  const sizes = requestsPerProcess(load);
  const callers = setup.peers.flatMap((peer, index) => Array.from({ length: sizes[index] ?? 0 }, () => peer));
  const played: Round[] = [];
  while (played.length < rounds) {
    await setup.passMs(PAUSE_MS);
    await setup.start();
    await setup.passMs(ageMs);
    played.push(await playRound(setup, callers));
  }
  return played;
}

export function requestsPerProcess({ processes, requests }: Load): number[] {
  return Array.from({ length: processes }, (_, index) => Math.ceil((requests - index) / processes));
}

/** @param callers the peer of each request */
async function playRound(setup: Setup, callers: readonly Peer[]): Promise<Round> {
  const callsBefore = tokenCalls(setup);
  const [outcomes] = await Promise.all([callAtOnce(setup, callers), setup.renew()]);
  const calls = tokenCalls(setup) - callsBefore;
  await setup.passMs(1_000);
  const again = await callAtOnce(
    setup,
    callers.filter((_, index) => outcomes[index]?.ok === false),
  );
  return { tokenCalls: calls, outcomes, again };
}

function callAtOnce({ simulator }: Setup, callers: readonly Peer[]): Promise<CallOutcome[]> {
  const atMs = simulator.clock.now();
  return Promise.all(callers.map((peer) => peer.call(atMs)));
}

function tokenCalls({ simulator }: Setup): number {
  return simulator.calls('/cgi-bin/token').length + simulator.calls('/cgi-bin/stable_token').length;
}
