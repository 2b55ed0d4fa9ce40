import type { Diagnosis } from '../../functions/core/reporting/diagnosis.ts';
import type { AppStatus } from '../../functions/core/reporting/status.ts';
import { type Check, ok, problem, warning } from '../check.ts';
import { duration } from '../format.ts';

/** What an app's diagnosis and standing mean. Pure. */

/** WeChat's signatures and our own expiry are by the clock; half a minute is still harmless. */
const SKEW_MS = 30_000;
/** WeChat counts a call before we have recorded it, and once more when its answer was lost. */
const UNEXPLAINED_CALLS = 5;

export function statusChecks({ app, credentials }: AppStatus, now: number): Check[] {
  return credentials.map(({ credential, state, expiresAt, lastError }) => {
    const subject = `${app}/${credential}`;
    const cause = lastError ? ` ${lastError.code}: ${lastError.message}` : '';
    if (state === 'live') return ok(subject, `live for ${duration((expiresAt ?? now) - now)}`);
    if (state === 'failing') {
      return warning(
        subject,
        `live for ${duration((expiresAt ?? now) - now)}, but its renewal fails.${cause}`,
      );
    }
    return problem(subject, `${state}: readers get nothing.${cause}`);
  });
}

export function diagnosisChecks(diagnosis: Diagnosis): Check[] {
  return [secretCheck(diagnosis), ...hostChecks(diagnosis), ...callChecks(diagnosis)];
}

function secretCheck({ app, secret }: Diagnosis): Check {
  const subject = `${app} AppSecret`;
  if (secret === 'present') return ok(subject, 'is there');
  if (secret === 'missing')
    return problem(subject, `is missing; run \`wechat-token-refresher secret set ${app}\``);
  return problem(
    subject,
    "cannot be read by the function; is it encrypted with a key that the function's role may not use?",
  );
}

function hostChecks({ app, hosts, throughProxy }: Diagnosis): Check[] {
  const way = throughProxy ? ' through the proxy' : '';
  return hosts.flatMap(({ host, reachable, latencyMs, clockSkewMs, problem: why }) => {
    const subject = `${app} ${host}`;
    if (!reachable) return [problem(subject, `is not reached${way} from the function: ${why}`)];
    const reached = ok(subject, `is reached${way} from the function in ${Math.round(latencyMs ?? 0)} ms`);
    if (clockSkewMs === null || Math.abs(clockSkewMs) <= SKEW_MS) return [reached];
    const ahead = clockSkewMs > 0 ? 'ahead of' : 'behind';
    return [
      reached,
      warning(`${app} clock`, `is ${duration(Math.abs(clockSkewMs))} ${ahead} WeChat's; set it by NTP`),
    ];
  });
}

function callChecks({ app, tokenCalls: { ours, wechat, problem: why } }: Diagnosis): Check[] {
  const subject = `${app} token calls today`;
  if (!wechat)
    return why === null
      ? []
      : [warning(subject, `${ours} of ours; WeChat does not tell its own count: ${why}`)];
  const counts = `WeChat counts ${wechat.used} of ${wechat.limit}, ${ours} of them ours`;
  if (wechat.used - ours <= UNEXPLAINED_CALLS) return [ok(subject, counts)];
  return [
    warning(
      subject,
      `${counts}: somebody else fetches this token, and each time kills ours. Find the program that has the AppSecret (docs/runbook.md#unexpected-rotation)`,
    ),
  ];
}

/** The address that WeChat must allow: the stack's own, or the one that WeChat has just refused. */
export function egressCheck(fixedIp: string | undefined, apps: readonly AppStatus[]): Check {
  const subject = 'egress IP';
  if (fixedIp !== undefined)
    return ok(subject, `${fixedIp}; it belongs on the IP allow-list of each official account`);
  const ip = apps
    .flatMap(({ credentials }) => credentials.map(({ lastError }) => lastError?.refusedIp))
    .find((refusedIp) => refusedIp !== undefined);
  if (ip)
    return problem(
      subject,
      `WeChat saw ${ip}, which is not on the list, and which is not fixed; set egress.mode (docs/costs.md)`,
    );
  return ok(subject, "not fixed, or the proxy's; an answer 40164 would name it");
}
