import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const COLD_START = fileURLToPath(new URL('./cold-start.ts', import.meta.url));

/** What one fresh process measured: see cold-start.ts. */
export type ColdStart = {
  readonly loadMs: number;
  readonly firstAnswerMs: number;
  readonly sinceProcessStartMs: number;
  readonly warmP50Ms: number;
  readonly warmP99Ms: number;
};

/** Of each figure the median over the processes: one that the machine disturbed does not count. */
function medians(starts: readonly ColdStart[]): ColdStart {
  const of = (name: keyof ColdStart) =>
    starts.map((start) => start[name]).toSorted((one, other) => one - other)[Math.floor(starts.length / 2)] ??
    0;
  return {
    loadMs: of('loadMs'),
    firstAnswerMs: of('firstAnswerMs'),
    sinceProcessStartMs: of('sinceProcessStartMs'),
    warmP50Ms: of('warmP50Ms'),
    warmP99Ms: of('warmP99Ms'),
  };
}

/** Loads each bundle in fresh processes, in turns, so that a slow spell of the machine meets all of them. */
export async function coldStarts<Name extends string>(
  bundles: Record<Name, string>,
  order: { rounds: number; warmCalls: number; event: unknown; environment: Record<string, string> },
): Promise<Record<Name, ColdStart>> {
  const names = Object.keys(bundles) as Name[];
  const starts = new Map<Name, ColdStart[]>(names.map((name) => [name, []]));
  for (let round = 0; round < order.rounds; round++) {
    for (const name of names) {
      const { stdout } = await run(
        process.execPath,
        [COLD_START, bundles[name], JSON.stringify(order.event), String(order.warmCalls)],
        { env: order.environment },
      );
      starts.get(name)?.push(JSON.parse(stdout));
    }
  }
  return Object.fromEntries(names.map((name) => [name, medians(starts.get(name) ?? [])])) as Record<
    Name,
    ColdStart
  >;
}
