import { decimal, machine, spread, table, whole, writeResults } from './harness/report.ts';
import type { CallOutcome } from './peers/peer-process.ts';
import { installClients, type SdkName, titleOf } from './peers/sdk-packages.ts';
import { openOurSetup } from './stampede/our-setup.ts';
import { openPeerSetup } from './stampede/peer-setup.ts';
import { playRounds, type Round, type Setup } from './stampede/rounds.ts';

/** 500 requests of 8 app servers at the moment in which the token is due or has expired. Writes into docs/benchmarks.md. */

const load = { processes: 8, requests: 500 };
const DUE_MS = 100 * 60_000;
/** A second after the expiry, which every SDK has noticed by then. */
const EXPIRED_MS = 7_201_000;
const OUR_ROUNDS = 10;
/** A round of an SDK takes thousands of calls, and the rounds differ little. */
const PEER_ROUNDS = 3;

type Case = {
  readonly name: string;
  readonly ageMs: number;
  readonly rounds: number;
  readonly open: () => Promise<Setup>;
};

const ours = (name: string, ageMs: number): Case => ({
  name: `**ours**, ${name}`,
  ageMs,
  rounds: OUR_ROUNDS,
  open: () => openOurSetup(load),
});

const peer = (sdk: SdkName, storage: string, shared: boolean): Case => ({
  name: titleOf(sdk, storage),
  ageMs: EXPIRED_MS,
  rounds: PEER_ROUNDS,
  open: () => openPeerSetup({ sdk, shared }, load.processes),
});

const cases: readonly Case[] = [
  ours('due: minute 100', DUE_MS),
  ours('expired: no tick for two hours', EXPIRED_MS),
  peer('co-wechat-api', 'in memory', false),
  peer('co-wechat-api', 'shared store', true),
  peer('wechat-api', 'in memory', false),
  peer('wechat-api', 'shared store', true),
  peer('node-easywechat', 'shared files', true),
];

const LEGEND = `${load.requests} requests at once, from ${load.processes} processes, over real HTTP; WeChat is the simulator, without its daily quota (WeChat allows 2,000 token
calls a day, then answers 45009). A request is a call of a protected route with an unmodified SDK from npm, and its result is the one after
the SDK's own retries. Figures are means over the rounds, with their range where they differ.

- *Ours:* co-wechat-api on the read URL, which it asks for the token before each call; at the same moment ${load.requests} ticks run in ${load.processes} refresher
  processes. In the first row the token is due, as it is every 100 minutes: this is the normal case. The second row is the worst case, in
  which no tick came for two hours and the token expired a second ago: the read URL lets its callers wait for the new one, three seconds at most.
- *The SDKs:* each fetches the token itself, a second after the previous one expired. *In memory*: each process its own. *Shared store*: the two
  functions that its documentation asks for when there are several processes, on a file that is replaced as a whole. *Shared files*: its own cache.
- *Token calls:* at WeChat, for this renewal, without those of the repetition. Each call invalidates every token but the previous one.
- *Failed again:* failed requests that fail again when all of them are repeated a second later, at once.
- The durations show how busy the machine was, and compare little: WeChat and the table, which each tick reads, share one process; beside it
  run ${2 * load.processes + 1} processes for ours and ${load.processes} for an SDK.`;

async function play({ ageMs, rounds, open }: Case): Promise<Round[]> {
  const setup = await open();
  try {
    return await playRounds(setup, { load, rounds, ageMs });
  } finally {
    await setup.close();
  }
}

function row(name: string, rounds: readonly Round[]): string[] {
  const outcomes = rounds.flatMap((round) => round.outcomes);
  const timesMs = outcomes.map(({ tookMs }) => tookMs).sort((one, other) => one - other);
  const quantile = (part: number) => whole(timesMs[Math.ceil(timesMs.length * part) - 1] ?? Number.NaN);
  const perRound = (count: (round: Round) => number) => spread(rounds.map(count), decimal);
  return [
    name,
    String(rounds.length),
    perRound(({ tokenCalls }) => tokenCalls),
    perRound((round) => failuresIn(round.outcomes)),
    [...new Set(outcomes.flatMap(({ failure }) => failure ?? []))].join(', '),
    perRound(({ again }) => failuresIn(again)),
    quantile(0.5),
    quantile(0.99),
  ];
}

const failuresIn = (outcomes: readonly CallOutcome[]): number => outcomes.filter(({ ok }) => !ok).length;

await installClients();
const rows: string[][] = [];
for (const each of cases) rows.push(row(each.name, await play(each)));
const columns = [
  'renewed by',
  'rounds',
  'token calls',
  'failed requests',
  'with',
  'failed again',
  'p50, ms',
  'p99, ms',
];
writeResults('benchmarks.md', 'bench:stampede', [LEGEND, table(columns, rows), machine()].join('\n\n'));
