import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { section, table, whole, writeResults } from './harness/report.ts';

/**
 * How much was tried to lose a token: every crash point, many drawn scenarios, and bugs that they must find. Writes into
 * docs/benchmarks.md.
 */

/** What test/proof/measure.ts prints. */
export type ProofReport = {
  readonly crashPoints: readonly {
    readonly scenario: string;
    readonly calls: number;
    readonly points: number;
    readonly violations: readonly string[];
  }[];
  readonly drawn: {
    readonly seed: number;
    readonly runs: number;
    readonly events: number;
    readonly upstreamCalls: number;
    readonly healingTicks: number;
  };
  /** Scenarios that were drawn for each bug, unless one of them caught it. */
  readonly maxScenarios: number;
  /** `scenarios`: the number of the first one that caught the bug, or null. */
  readonly bugs: readonly {
    readonly bug: string;
    readonly file: string;
    readonly scenarios: number | null;
  }[];
};

async function measure(): Promise<ProofReport> {
  const script = fileURLToPath(new URL('../test/proof/measure.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  return JSON.parse(stdout);
}

function crashPointTable({ crashPoints }: ProofReport): string {
  const rows = crashPoints.map(
    ({ scenario, calls, points, violations }) => [scenario, calls, points, violations.length] as const,
  );
  const sum = (column: 1 | 2 | 3) => rows.reduce((total, row) => total + row[column], 0);
  return table(
    ['scenario', 'calls', 'points', 'violations'],
    [...rows, ['**all**', sum(1), sum(2), sum(3)] as const].map(([scenario, ...counts]) => [
      scenario,
      ...counts.map(whole),
    ]),
  );
}

function drawnScenarios({ drawn: { seed, runs, events, upstreamCalls, healingTicks } }: ProofReport): string {
  return [
    `${whole(runs)} scenarios with ${whole(events)} events and ${whole(upstreamCalls)} calls to WeChat (seed ${seed}): no violation.`,
    `When all faults had ended, everything had healed by the ${healingTicks}th tick at the latest.`,
  ].join('\n');
}

function caughtBugs({ bugs, maxScenarios }: ProofReport): string {
  return table(
    ['bug', 'put into', 'caught by scenario'],
    bugs.map(({ bug, file, scenarios }) => [
      bug,
      file && `\`${file}\``,
      scenarios === null ? `not in ${whole(maxScenarios)}` : whole(scenarios),
    ]),
  );
}

const report = await measure();
writeResults(
  'benchmarks.md',
  'bench:proof',
  [
    section('Every crash point', crashPointTable(report)),
    section('Drawn scenarios', drawnScenarios(report)),
    section('Bugs that the model must catch', caughtBugs(report)),
  ].join('\n\n'),
);
