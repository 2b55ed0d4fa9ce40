import type { CallOutcome } from '../peers/peer-process.ts';
import { decimal, spread, table, whole } from '../report/markdown.ts';
import type { Round } from './rounds.ts';

const head = [
  'who renews, and when',
  'rounds',
  'token calls',
  'failed needs',
  'with',
  'failed again',
  'p50, ms',
  'p99, ms',
] as const;

export function stampedeTable(played: ReadonlyMap<string, readonly Round[]>): string {
  return table(
    head,
    [...played].map(([name, rounds]) => row(name, rounds)),
  );
}

function row(name: string, rounds: readonly Round[]): string[] {
  const outcomes = rounds.flatMap((round) => round.outcomes);
  const timesMs = outcomes.map(({ tookMs }) => tookMs).sort((one, other) => one - other);
  const quantile = (part: number) => whole(timesMs[Math.ceil(timesMs.length * part) - 1] ?? Number.NaN);
  return [
    name,
    String(rounds.length),
    spread(
      rounds.map(({ tokenCalls }) => tokenCalls),
      decimal,
    ),
    spread(
      rounds.map((round) => failuresIn(round.outcomes)),
      decimal,
    ),
    [...new Set(outcomes.flatMap(({ failure }) => failure ?? []))].join(', '),
    spread(
      rounds.map(({ again }) => failuresIn(again)),
      decimal,
    ),
    quantile(0.5),
    quantile(0.99),
  ];
}

const failuresIn = (outcomes: readonly CallOutcome[]): number => outcomes.filter(({ ok }) => !ok).length;
