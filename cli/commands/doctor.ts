import { styleText } from 'node:util';
import pLimit from 'p-limit';
import type { StatusReport } from '../../functions/core/reporting/status.ts';
import { type ExitCode, exitCodes } from '../cli-error.ts';
import {
  alarmChecks,
  attempt,
  type Check,
  diagnosisChecks,
  egressCheck,
  identityChecks,
  ok,
  readUrlChecks,
  stackChecks,
  statusChecks,
  topicChecks,
} from '../doctor-checks.ts';
import type { RefresherClient } from '../refresher-client.ts';
import { type Local, resolveTarget, type Stack, type TargetOptions } from '../target.ts';
import type { Terminal } from '../terminal.ts';

/** Each diagnosis is an invocation that calls WeChat. */
const MAX_PARALLEL_DIAGNOSES = 5;

/**
 * Checks everything between an operator and WeChat, and changes nothing.
 *
 * @returns `problem` when a check finds one; a warning is none
 */
export async function doctorCommand(
  options: TargetOptions,
  terminal: Terminal,
  app: string | undefined,
): Promise<ExitCode> {
  const target = await resolveTarget(options);
  const report = await terminal.during('Asking the refresh function', () => target.refresher.status(app));
  const checks = await terminal.during('Checking', async () => [
    ...(target.kind === 'stack' ? await checksOfStack(target, report) : checksOfLocal(target)),
    ...(await checksOfApps(target.refresher, report)),
  ]);
  for (const line of checks.map(lineOf)) terminal.print(line);
  terminal.answer({ checks });
  return checks.some(({ level }) => level === 'problem') ? exitCodes.problem : exitCodes.ok;
}

async function checksOfStack(stack: Stack, { apps }: StatusReport): Promise<Check[]> {
  const checks = await Promise.all([
    attempt('identity', () => identityChecks(stack.region)),
    stackChecks(stack),
    [egressCheck(stack.optionalOutput('EgressIp'), apps)],
    attempt('read URL', () => readUrlChecks(stack)),
    attempt('alarms', () => alarmChecks(stack)),
    attempt('notifications', () => topicChecks(stack)),
  ]);
  return checks.flat();
}

function checksOfLocal({ url }: Local): Check[] {
  return [ok('local mode', `${url} answers; it has no AWS identity, stack, alarms or fixed IP to look at`)];
}

/** An app's state stands beside its diagnosis, which explains its last error. */
async function checksOfApps(refresher: RefresherClient, { apps, now }: StatusReport): Promise<Check[]> {
  const limit = pLimit(MAX_PARALLEL_DIAGNOSES);
  const checks = apps.map(async (status) => {
    const { app } = status;
    const diagnosis = await limit(() =>
      attempt(`${app} diagnosis`, async () => diagnosisChecks(await refresher.diagnose(app))),
    );
    return [...statusChecks(status, now), ...diagnosis];
  });
  return (await Promise.all(checks)).flat();
}

const marks = {
  ok: styleText('green', '✓'),
  warning: styleText('yellow', '!'),
  problem: styleText('red', '✗'),
};

function lineOf({ level, subject, finding }: Check): string {
  return `${marks[level]} ${subject}: ${finding}`;
}
