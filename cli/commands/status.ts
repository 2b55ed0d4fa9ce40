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
import type { Terminal } from '../terminal.ts';

const WATCH_EVERY_MS = 2_000;

/**
 * How every credential stands.
 *
 * @returns `problem` when readers of one get nothing; one that lives while its renewal fails is no problem yet
 */
export async function status(
  refresher: RefresherClient,
  { say, answer, during }: Terminal,
  app: string | undefined,
): Promise<ExitCode> {
  const report = await during('Asking the refresh function', () => refresher.status(app));
  for (const line of statusLines(report)) say(line);
  answer(report);
  return exitCodeOf(report);
}

/** Again and again, until Ctrl-C; with `--json`, an answer a line. */
export async function watchStatus(
  refresher: RefresherClient,
  terminal: Terminal,
  app: string | undefined,
): Promise<ExitCode> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  let last: ExitCode = exitCodes.ok;
  while (!stop.signal.aborted) {
    const report = await refresher.status(app);
    last = exitCodeOf(report);
    if (process.stdout.isTTY) terminal.say('\u001b[2J\u001b[H');
    for (const line of statusLines(report)) terminal.say(line);
    terminal.answer(report);
    await sleep(WATCH_EVERY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
  }
  return last;
}

export function exitCodeOf({ apps }: StatusReport): ExitCode {
  const states = apps.flatMap(({ credentials }) => credentials.map(({ state }) => state));
  return states.some((state) => state === 'expired' || state === 'missing')
    ? exitCodes.problem
    : exitCodes.ok;
}

/** A line a credential; below it, what failed last and what to do about it. */
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
