import { styleText } from 'node:util';
import pLimit from 'p-limit';
import type { AppStatus, StatusReport } from '../../functions/core/reporting/status.ts';
import { attempt, type Check, ok } from '../check.ts';
import { type ExitCode, exitCodes } from '../cli-error.ts';
import { diagnosisChecks, egressCheck, statusChecks } from '../doctor/app-checks.ts';
import {
  alarmChecks,
  identityChecks,
  readUrlChecks,
  stackChecks,
  topicChecks,
} from '../doctor/stack-checks.ts';
import type { RefresherClient } from '../refresher-client.ts';
import type { Local, Stack } from '../target.ts';
import type { Terminal } from '../terminal.ts';

/** Each diagnosis is an invocation that calls WeChat. */
const DIAGNOSES_AT_ONCE = 5;

/**
 * Looks at everything between ops and WeChat, and changes nothing.
 *
 * @returns `problem` when something needs mending; warnings alone are none
 */
export async function doctor(
  target: Stack | Local,
  terminal: Terminal,
  app: string | undefined,
): Promise<ExitCode> {
  const report = await terminal.during('Asking the refresh function', () => target.refresher.status(app));
  const checks = await terminal.during('Looking at everything', async () => [
    ...(target.kind === 'stack' ? await checksOfStack(target, report) : checksOfLocal(target)),
    ...report.apps.flatMap((each) => statusChecks(each, report.now)),
    ...(await checksOfApps(target.refresher, report.apps)),
  ]);
  for (const line of checks.map(lineOf)) terminal.say(line);
  terminal.answer({ checks });
  return checks.some(({ level }) => level === 'problem') ? exitCodes.problem : exitCodes.ok;
}

async function checksOfStack(stack: Stack, { apps }: StatusReport): Promise<Check[]> {
  const asked = await Promise.all([
    attempt('identity', () => identityChecks(stack.region)),
    stackChecks(stack),
    [egressCheck(stack.optionalOutput('EgressIp'), apps)],
    attempt('read URL', () => readUrlChecks(stack)),
    attempt('alarms', () => alarmChecks(stack)),
    attempt('notices', () => topicChecks(stack)),
  ]);
  return asked.flat();
}

function checksOfLocal({ url }: Local): Check[] {
  return [ok('local mode', `${url} answers; it has no AWS identity, stack, alarms or fixed IP to look at`)];
}

async function checksOfApps(refresher: RefresherClient, apps: readonly AppStatus[]): Promise<Check[]> {
  const limit = pLimit(DIAGNOSES_AT_ONCE);
  const asked = apps.map(({ app }) =>
    limit(() => attempt(`${app} diagnosis`, async () => diagnosisChecks(await refresher.diagnose(app)))),
  );
  return (await Promise.all(asked)).flat();
}

const marks = {
  ok: styleText('green', '✓'),
  warning: styleText('yellow', '!'),
  problem: styleText('red', '✗'),
};

function lineOf({ level, subject, finding }: Check): string {
  return `${marks[level]} ${subject}: ${finding}`;
}
