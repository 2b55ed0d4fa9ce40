import { installClients } from '../test/support/install-clients.ts';
import type { PeerSettings } from './peers/sdks.ts';
import { titleOf } from './peers/title.ts';
import { machine } from './report/machine.ts';
import { writeMeasured } from './report/page.ts';
import { openOurScene } from './stampede/our-setup.ts';
import { openPeerScene } from './stampede/peer-setup.ts';
import { playRounds, type Round } from './stampede/rounds.ts';
import type { Setup } from './stampede/setup.ts';
import { stampedeTable } from './stampede/table.ts';

/** 8 app servers that need the token 500 times in one moment, when its time is over. Writes into docs/benchmarks.md. */

const load = { processes: 8, needs: 500 };
const DUE_MS = 100 * 60_000;
/** A second past its end, when every SDK has noticed. */
const EXPIRED_MS = 7_201_000;
const OUR_ROUNDS = 10;
/** A round of theirs takes thousands of calls, and comes out much the same each time. */
const PEER_ROUNDS = 3;

type Story = {
  readonly name: string;
  readonly ageMs: number;
  readonly rounds: number;
  readonly open: () => Promise<Setup>;
};

const ours = (name: string, ageMs: number): Story => ({
  name: `**ours**, ${name}`,
  ageMs,
  rounds: OUR_ROUNDS,
  open: () => openOurScene(load),
});

const peer = (sdk: PeerSettings['sdk'], keeping: string, shared: boolean): Story => ({
  name: titleOf(sdk, keeping),
  ageMs: EXPIRED_MS,
  rounds: PEER_ROUNDS,
  open: () => openPeerScene({ sdk, shared }, load.processes),
});

const stories: readonly Story[] = [
  ours('due: minute 100', DUE_MS),
  ours('expired: no tick for two hours', EXPIRED_MS),
  peer('co-wechat-api', 'in memory', false),
  peer('co-wechat-api', 'shared store', true),
  peer('wechat-api', 'in memory', false),
  peer('wechat-api', 'shared store', true),
  peer('node-easywechat', 'shared files', true),
];

const LEGEND = `${load.needs} needs of the token at once, from ${load.processes} processes, over real HTTP; WeChat is the simulator, without its daily quota (WeChat has 2,000 token
calls a day, then 45009). A need is a call of a protected route with an unmodified SDK from npm, and what counts is how it ended after the
SDK's own retries. Means over the rounds, and from the least to the most where they differ.

- *Ours:* co-wechat-api on the read URL, which it asks for the token at each need; and in the same moment ${load.needs} ticks in ${load.processes} refresher
  processes. In the first row the token is due, as it is every 100 minutes: this is what apps meet. The second one is the worst case, in
  which no tick came for two hours and the token ended a second ago: the read URL lets its callers wait until the new one is there, for three seconds at most.
- *Theirs:* the SDK fetches the token itself, a second after the end of the one before. *In memory*: each process its own. *Shared store*: the two
  functions that its documentation asks for when there are several processes, on a file that is replaced as a whole. *Shared files*: its own cache.
- *Token calls:* at WeChat, for this renewal, without those of the last column. Each call ends every token but the one before it.
- *Failed again:* of those that failed, when they try again a second later, all at once.
- Times say how busy the machine was, and compare little: WeChat and the table, which each tick reads, are one process of it; beside it run
  ${2 * load.processes + 1} of ours, ${load.processes} of theirs.`;

async function play({ ageMs, rounds, open }: Story): Promise<Round[]> {
  const setup = await open();
  try {
    return await playRounds(setup, { load, rounds, ageMs });
  } finally {
    await setup.close();
  }
}

await installClients();
const played = new Map<string, readonly Round[]>();
for (const story of stories) played.set(story.name, await play(story));
writeMeasured('benchmarks.md', 'bench:stampede', [LEGEND, stampedeTable(played), machine()].join('\n\n'));
