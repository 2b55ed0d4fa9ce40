import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import type {
  AppStatus,
  CredentialStatus,
  State,
  StatusReport,
} from '../../functions/core/reporting/status.ts';
import { type ExitCode, exitCodes } from '../cli-error.ts';
import { ago, bar, duration, table } from '../format.ts';
import type { RefresherClient } from '../refresher-client.ts';
import { resolveTarget, type TargetOptions } from '../target.ts';
import { abortOnInterrupt, type Terminal } from '../terminal.ts';

const WATCH_INTERVAL_MS = 2_000;
const CLEAR_SCREEN = '\u001b[2J\u001b[H';

/**
 * The state of every credential, or of one app's; with `watch` again and again until Ctrl-C, with `--json` one answer a line.
 *
 * @returns `problem` when readers of a credential get no value; a renewal that fails while the value is valid is none yet
 */
export async function statusCommand(
  options: TargetOptions & { readonly watch?: true },
  terminal: Terminal,
  app: string | undefined,
): Promise<ExitCode> {
  const { refresher } = await resolveTarget(options);
  if (options.watch) return watchStatus(refresher, terminal, app);
  return show(await terminal.during('Asking the refresh function', () => refresher.status(app)), terminal);
}

async function watchStatus(
  refresher: RefresherClient,
  terminal: Terminal,
  app: string | undefined,
): Promise<ExitCode> {
  using interrupt = abortOnInterrupt();
  let last: ExitCode = exitCodes.ok;
  while (!interrupt.signal.aborted) {
    const report = await refresher.status(app);
    if (process.stdout.isTTY) terminal.print(CLEAR_SCREEN);
    last = show(report, terminal);
    await sleep(WATCH_INTERVAL_MS, undefined, { signal: interrupt.signal }).catch(() => undefined);
  }
  return last;
}

function show(report: StatusReport, terminal: Terminal): ExitCode {
  for (const line of statusLines(report)) terminal.print(line);
  terminal.answer(report);
  return exitCodeOf(report);
}

export function exitCodeOf({ apps }: StatusReport): ExitCode {
  const states = apps.flatMap(({ credentials }) => credentials.map(({ state }) => state));
  const unserved: readonly State[] = ['rejected', 'expired', 'missing'];
  return states.some((state) => unserved.includes(state)) ? exitCodes.problem : exitCodes.ok;
}

/** One line for each credential; below it its last error and the remedy. */
export function statusLines({ now, apps }: StatusReport): string[] {
  const rows = apps.flatMap((app) => app.credentials.map((credential) => ({ app, credential })));
  const [head = '', ...lines] = table(
    ['CREDENTIAL', 'STATE', 'TIME LEFT', 'RENEWED', 'VERSION'],
    rows.map(({ app, credential }) => rowOf(app, credential, now)),
  );
  return [head, ...lines.flatMap((line, index) => [line, ...errorLines(rows[index]?.credential, now)])];
}

function rowOf(app: AppStatus, credential: CredentialStatus, now: number): string[] {
  const { state, expiresAt, renewedAt, version, mirroredVersion } = credential;
  const left = expiresAt === null ? 0 : Math.max(0, expiresAt - now);
  const whole = expiresAt !== null && renewedAt !== null ? expiresAt - renewedAt : 0;
  return [
    `${app.app}/${credential.credential}`,
    colouredState(state),
    `${bar(left, whole)} ${expiresAt === null ? '–' : duration(left)}`,
    renewedAt === null ? 'never' : ago(renewedAt, now),
    mirroredVersion === version ? String(version) : `${version} (SSM has ${mirroredVersion || 'none'})`,
  ];
}

const colours = {
  live: 'green',
  failing: 'yellow',
  suspect: 'yellow',
  rejected: 'red',
  expired: 'red',
  missing: 'red',
} as const satisfies Record<State, string>;

function colouredState(state: State): string {
  return styleText(colours[state], state);
}

function errorLines(credential: CredentialStatus | undefined, now: number): string[] {
  const error = credential?.lastError;
  if (!credential || !error) return [];
  const times = error.count === 1 ? '' : `, ${error.count} times in a row`;
  const next =
    credential.nextAttemptAt === null ? '' : `; next attempt in ${duration(credential.nextAttemptAt - now)}`;
  return [`  ${styleText('yellow', error.code)} ${ago(error.at, now)}${times}${next}`, `  ${error.message}`];
}
