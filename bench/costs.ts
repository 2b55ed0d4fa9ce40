import { egressModes, egressOf, type Quantities, readInterfaces, totalOf, usageOf } from './costs/bill.ts';
import { type Counts, countMonth } from './costs/count.ts';
import { costOf, PRICES_DATED, type Priced, prices } from './costs/prices.ts';
import { section, table, whole, writeResults } from './harness/report.ts';

/** The cost of a month: calls of the core on a simulated clock, times list prices. Writes into docs/costs.md. */

const sizes = [1, 10, 60, 200] as const;
const columns = sizes.map((size) => (size === 1 ? '1 app' : `${size} apps`));

/** The tables of docs/costs.md, as Markdown. */
export async function costTables(): Promise<string> {
  const deployments: Deployment[] = [];
  for (const size of sizes) {
    const counts = await countMonth(size);
    deployments.push({ counts, usage: usageOf(counts, size) });
  }
  return [
    section('A month, by egress mode', byMode(deployments, { free: false })),
    section('The same in an account that uses nothing else', byMode(deployments, { free: true })),
    section('What `direct` is made of', breakdown(deployments)),
    section('A million reads', reads()),
    section('What was counted', counted(deployments)),
    section(`List prices of us-east-1, ${PRICES_DATED}`, priceList()),
  ].join('\n\n');
}

type Deployment = { readonly counts: Counts; readonly usage: Quantities };

function byMode(deployments: readonly Deployment[], options: { free: boolean }): string {
  return table(
    ['USD', ...columns],
    egressModes.map((mode) => [
      `\`${mode}\``,
      ...deployments.map(({ counts, usage }) => usd(totalOf([usage, egressOf(mode, counts)], options))),
    ]),
  );
}

function breakdown(deployments: readonly Deployment[]): string {
  const parts = Object.keys(deployments[0]?.usage ?? {}) as Priced[];
  return table(
    ['USD', ...columns],
    [
      ...parts.map((what) => [
        prices[what].what,
        ...deployments.map(({ usage }) => usd(costOf(what, usage[what] ?? 0, { free: false }))),
      ]),
      ['**all**', ...deployments.map(({ usage }) => `**${usd(totalOf([usage], { free: false }))}**`)],
    ],
  );
}

function reads(): string {
  return table(
    ['by', 'USD', 'made of'],
    Object.entries(readInterfaces).map(([name, usage]) => [
      name,
      usd(totalOf([usage], { free: false })),
      (Object.entries(usage) as [Priced, number][])
        .map(([what, quantity]) => `${prices[what].what} ${usd(costOf(what, quantity, { free: false }))}`)
        .join(', '),
    ]),
  );
}

function counted(deployments: readonly Deployment[]): string {
  const rows: readonly [string, (counts: Counts) => number][] = [
    ['ticks', ({ ticks }) => ticks],
    ['new tokens and tickets', ({ renewals }) => renewals],
    ['calls to WeChat, probes included', ({ upstreamCalls }) => upstreamCalls],
    ['read units of the table', ({ readUnits }) => readUnits],
    ['write units of the table', ({ writeUnits }) => writeUnits],
    ['parameters written', ({ parameterWrites }) => parameterWrites],
    ['secrets read, at most', ({ parameterReads }) => parameterReads],
    ['minutes spent waiting for tickets to expire', ({ waitedMs }) => waitedMs / 60_000],
    ['MB of logs', ({ logBytes }) => logBytes / 1e6],
    ['custom metrics, on average', ({ metrics }) => metrics],
  ];
  return table(
    ['in a month', ...columns],
    rows.map(([what, of]) => [what, ...deployments.map(({ counts }) => whole(of(counts)))]),
  );
}

function priceList(): string {
  return table(
    ['what', 'USD', 'free each month', 'page'],
    Object.values(prices).map(({ what, each, per, free, page }) => [
      what,
      `${each} per ${per}`,
      free > 0 ? whole(free) : '',
      page,
    ]),
  );
}

const usd = (amount: number): string => amount.toFixed(2);

if (import.meta.main) writeResults('costs.md', 'bench:costs', await costTables());
