import { styleText } from 'node:util';
import type { Outcome } from '../../functions/core/renewal.ts';
import type { CredentialResult } from '../../functions/core/reporting/results.ts';
import { type ExitCode, exitCodes } from '../cli-error.ts';
import { duration, table } from '../format.ts';
import type { RefresherClient } from '../refresher-client.ts';
import { resolveTarget, type TargetOptions } from '../target.ts';
import type { Terminal } from '../terminal.ts';

type RefreshOptions = TargetOptions & {
  readonly force?: true;
  readonly reason?: string;
  readonly credential?: string;
};

export async function refreshCommand(
  options: RefreshOptions,
  terminal: Terminal,
  app: string,
): Promise<ExitCode> {
  const { force, reason, credential } = options;
  const { refresher } = await resolveTarget(options);
  return refreshApp(refresher, terminal, {
    app,
    ...(force && { force }),
    ...(reason !== undefined && { reason }),
    ...(credential !== undefined && { credential }),
  });
}

/**
 * Checks an app and does what is due; with `force` renews although nothing is.
 *
 * @returns `problem` when one of its credentials failed
 */
export async function refreshApp(
  refresher: RefresherClient,
  terminal: Terminal,
  event: Parameters<RefresherClient['refresh']>[0],
): Promise<ExitCode> {
  const results = await terminal.during(`Refreshing ${event.app}`, () => refresher.refresh(event));
  for (const line of resultLines(results, Date.now())) terminal.print(line);
  terminal.answer({ results });
  return results.some(({ outcome }) => outcome === 'failed') ? exitCodes.problem : exitCodes.ok;
}

export function resultLines(results: readonly CredentialResult[], now: number): string[] {
  const [head = '', ...lines] = table(
    ['CREDENTIAL', 'OUTCOME', 'REASON', 'VERSION', 'TIME LEFT'],
    results.map(({ app, credential, outcome, reason, version, expiresAt }) => [
      `${app}/${credential}`,
      styleText(colours[outcome], outcome),
      reason,
      String(version),
      expiresAt === null || expiresAt <= now ? '–' : duration(expiresAt - now),
    ]),
  );
  const errorOf = (index: number) => {
    const error = results[index]?.error;
    return error ? [`  ${styleText('yellow', error.code)} ${error.message}`] : [];
  };
  return [head, ...lines.flatMap((line, index) => [line, ...errorOf(index)])];
}

const colours = {
  renewed: 'green',
  fresh: 'green',
  unchanged: 'green',
  mirrored: 'green',
  busy: 'yellow',
  'too-soon': 'yellow',
  'backing-off': 'yellow',
  failed: 'red',
} as const satisfies Record<Outcome, string>;
