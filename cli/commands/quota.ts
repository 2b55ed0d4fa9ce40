import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import type { RefresherClient } from '../refresher-client.ts';
import { resolveTarget, type TargetOptions } from '../target.ts';
import { confirmed, type Terminal } from '../terminal.ts';

export async function clearQuotaCommand(
  options: TargetOptions & { readonly yes?: true },
  terminal: Terminal,
  app: string,
): Promise<ExitCode> {
  const { refresher } = await resolveTarget(options);
  return clearQuota(app, { refresher, terminal, yes: options.yes === true });
}

/**
 * Says what a reset of the day's quota costs, asks, and has the refresher make it.
 *
 * @param context `yes`: confirmed beforehand, by `--yes`
 * @returns `problem` when it was not confirmed, or WeChat refused it
 * @throws CliError for a WeCom app, and where no one can answer
 */
export async function clearQuota(
  app: string,
  context: { readonly refresher: RefresherClient; readonly terminal: Terminal; readonly yes: boolean },
): Promise<ExitCode> {
  const { refresher, terminal, yes } = context;
  // Fails for an app that is not configured, before there is a question.
  const [status] = (await refresher.status(app)).apps;
  if (status?.kind === 'wecom') {
    throw new CliError('usage', `${app} is a WeCom app, and WeCom has no reset of its limits.`);
  }
  terminal.print(
    `This sets the day's calls of all interfaces of ${status?.account ?? app} back to 0 at WeChat. It uses up one of the ten resets ` +
      'that the account has in a month, whichever program or page makes them.',
  );
  if (!(yes || (await confirmed(terminal, 'Type yes to reset: ', 'Nothing was reset')))) {
    terminal.answer({ app, cleared: false });
    terminal.note('Nothing was reset.');
    return exitCodes.problem;
  }
  const { error } = await terminal.during('Asking WeChat', () => refresher.clearQuota(app));
  if (error) {
    terminal.answer({ app, cleared: false, error });
    terminal.note(`${error.code}: ${error.message}`);
    return exitCodes.problem;
  }
  terminal.print('Reset.');
  terminal.answer({ app, cleared: true });
  return exitCodes.ok;
}
