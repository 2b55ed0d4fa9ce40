import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('./cold-start-process.ts', import.meta.url));

/** Measured by one fresh process; see cold-start-process.ts. */
export type ColdStart = {
  readonly loadMs: number;
  readonly firstAnswerMs: number;
  readonly sinceProcessStartMs: number;
  readonly warmP50Ms: number;
  readonly warmP99Ms: number;
};

/** Of each figure the median over the processes, so that a busy machine does not distort it. */
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

/** Loads each bundle in fresh processes, in turns, so that a slow period of the machine affects all of them. */
export async function coldStarts<Name extends string>(
  bundles: Record<Name, string>,
  options: { rounds: number; warmCalls: number; event: unknown; environment: Record<string, string> },
): Promise<Record<Name, ColdStart>> {
  const names = Object.keys(bundles) as Name[];
  const starts = new Map<Name, ColdStart[]>(names.map((name) => [name, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const name of names) {
      const { stdout } = await run(
        process.execPath,
        [SCRIPT, bundles[name], JSON.stringify(options.event), String(options.warmCalls)],
        { env: options.environment },
      );
      starts.get(name)?.push(JSON.parse(stdout));
    }
  }
  return Object.fromEntries(names.map((name) => [name, medians(starts.get(name) ?? [])])) as Record<
    Name,
    ColdStart
  >;
}
