import { AwsClient } from 'aws4fetch';
import type { Diagnosis } from '../functions/core/reporting/diagnosis.ts';
import { runbookUrl } from '../functions/core/reporting/runbook.ts';
import type { AppStatus } from '../functions/core/reporting/status.ts';
import { ago, duration } from './format.ts';
import { regionOf, type Stack } from './target.ts';

/** One thing that `doctor` has checked. */
export type Check = {
  readonly level: 'ok' | 'warning' | 'problem';
  readonly subject: string;
  /** What was found and, unless it is ok, the remedy. */
  readonly finding: string;
};

export const ok = (subject: string, finding: string): Check => ({ level: 'ok', subject, finding });
const warning = (subject: string, finding: string): Check => ({ level: 'warning', subject, finding });
const problem = (subject: string, finding: string): Check => ({ level: 'problem', subject, finding });

/** A check that fails is a finding, too: most often a permission is missing. */
export async function attempt(subject: string, run: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await run();
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : 'unknown error';
    return [problem(subject, `could not be checked (${reason})`)];
  }
}

// The deployment, by what AWS answers.

export async function identityChecks(region: string | undefined): Promise<Check[]> {
  const { STSClient, GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
  const { Arn } = await new STSClient(regionOf(region)).send(new GetCallerIdentityCommand({}));
  return [ok('identity', Arn ?? 'unknown')];
}

export function stackChecks({ name, status, region }: Stack): Check[] {
  const where = region === undefined ? '' : ` in ${region}`;
  const subject = `stack ${name}`;
  if (/^(CREATE|UPDATE|IMPORT)_COMPLETE$/.test(status)) return [ok(subject, `${status}${where}`)];
  if (status.endsWith('_IN_PROGRESS'))
    return [warning(subject, `${status}${where}; run doctor again when it is complete`)];
  return [problem(subject, `${status}${where}; deploy it again`)];
}

/** Finds alarms by the stack's name, which CloudFormation puts before each. */
export async function alarmChecks({ name, region }: Stack): Promise<Check[]> {
  const { CloudWatchClient, paginateDescribeAlarms } = await import('@aws-sdk/client-cloudwatch');
  const client = new CloudWatchClient(regionOf(region));
  const alarms = [];
  for await (const page of paginateDescribeAlarms({ client }, { AlarmNamePrefix: `${name}-` })) {
    alarms.push(...(page.MetricAlarms ?? []));
  }
  if (alarms.length === 0) return [problem('alarms', 'there are none; deploy again')];
  const active = alarms.filter(({ StateValue }) => StateValue === 'ALARM');
  if (active.length === 0) return [ok('alarms', `${alarms.length}, none of them active`)];
  return active.map(({ AlarmName, AlarmDescription }) =>
    problem(`alarm ${AlarmName}`, AlarmDescription ?? 'is active'),
  );
}

export async function topicChecks(stack: Stack): Promise<Check[]> {
  const { SNSClient, ListSubscriptionsByTopicCommand } = await import('@aws-sdk/client-sns');
  const TopicArn = stack.output('AlarmTopicArn');
  const sns = new SNSClient(regionOf(stack.region));
  const { Subscriptions = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
  const subject = 'notifications';
  const confirmed = Subscriptions.filter(({ SubscriptionArn }) => SubscriptionArn?.startsWith('arn:'));
  if (confirmed.length > 0)
    return [ok(subject, `reach ${confirmed.length} subscriber${confirmed.length === 1 ? '' : 's'}`)];
  const finding =
    Subscriptions.length > 0
      ? 'the subscription is not confirmed: open the link in the mail from AWS'
      : 'there is no subscriber: set alarmEmail and deploy, or subscribe to AlarmTopicArn';
  return [warning(subject, finding)];
}

/** Calls its health route, signed: what an app with the reader policy would get. */
export async function readUrlChecks(stack: Stack): Promise<Check[]> {
  const url = new URL('health', stack.output('ReadUrl'));
  const { STSClient } = await import('@aws-sdk/client-sts');
  const { credentials, region } = new STSClient(regionOf(stack.region)).config;
  const signer = new AwsClient({
    ...(await credentials()),
    service: url.hostname.includes('.execute-api.') ? 'execute-api' : 'lambda',
    region: await region(),
    retries: 0,
  });
  const { status } = await signer.fetch(underEmulator(url));
  const subject = `read URL ${url.origin}/`;
  // Its health route answers 200 whatever the state of the credentials; 503 means that the table does not answer it.
  if (status === 200) return [ok(subject, 'answers')];
  if (status === 401) return [ok(subject, 'answers, and asks for a reader key')];
  return [problem(subject, `answers with ${status}; see its log (${runbookUrl('read-errors')})`)];
}

/** An emulator serves every URL under its own address. */
function underEmulator(url: URL): string {
  const emulator = process.env['AWS_ENDPOINT_URL'];
  if (!emulator) return url.href;
  const [id, service] = url.hostname.split('.');
  const path = service === 'execute-api' ? `execute-api/${id}/$default` : `lambda-url/${id}`;
  return `${emulator}/_aws/${path}${url.pathname}`;
}

// The apps, by what the refresh function reports. Pure.

/** Signatures, and when a token expires, depend on the clock; half a minute does no harm. */
const MAX_SKEW_MS = 30_000;
/** WeChat counts a call before we record it, and one more if its answer was lost. */
const MAX_UNEXPLAINED_CALLS = 5;

/** WeChat's code for a limit that is used up: docs/wechat.md#error-codes. */
const QUOTA_SPENT = '45009';

/** WeCom has no such call. */
function resetOf(app: string): string {
  return `\`wechat-token-refresher quota clear ${app}\` sets the account's calls of the day back to 0 (ten times a month)`;
}

/** The address that WeChat must allow: the stack's own, or one that WeChat has refused. */
export function egressCheck(fixedIp: string | undefined, apps: readonly AppStatus[]): Check {
  const subject = 'egress IP';
  if (fixedIp !== undefined)
    return ok(subject, `${fixedIp}; it belongs on the IP allow-list of each official account`);
  const refusedIp = apps
    .flatMap(({ credentials }) => credentials.map(({ lastError }) => lastError?.refusedIp))
    .find((ip) => ip !== undefined);
  if (refusedIp === undefined) return ok(subject, "not fixed, or the proxy's; WeChat has not refused it");
  return problem(
    subject,
    `WeChat refused ${refusedIp}, which is not on the IP allow-list and may change; set egress.mode (docs/costs.md)`,
  );
}

export function statusChecks({ app, kind, credentials }: AppStatus, now: number): Check[] {
  return credentials.map(({ credential, state, expiresAt, lastError }) => {
    const subject = `${app}/${credential}`;
    const left = duration((expiresAt ?? now) - now);
    const quotaSpent = kind !== 'wecom' && lastError?.code === QUOTA_SPENT;
    const reset = quotaSpent ? ` If it stays, ${resetOf(app)}.` : '';
    const cause = lastError ? ` ${lastError.code}: ${lastError.message}${reset}` : '';
    const command = `wechat-token-refresher refresh ${app}`;
    const one = credential === 'access-token' ? '' : ` --credential ${credential}`;
    switch (state) {
      case 'live':
        return ok(subject, `live for ${left}`);
      case 'failing':
        return warning(subject, `live for ${left}, but its renewal fails.${cause}`);
      case 'suspect':
        return warning(
          subject,
          `suspect: WeChat may not accept it any more. Readers get it for at most a minute at a time. The next tick checks it; \`${command}\` checks it now.${cause}`,
        );
      case 'rejected':
        return problem(
          subject,
          `rejected: WeChat does not accept it, and readers get no value. If the next tick does not renew it, run \`${command}${one} --force\`.${cause}`,
        );
      default:
        return problem(subject, `${state}: readers get no value.${cause}`);
    }
  });
}

export function diagnosisChecks(diagnosis: Diagnosis): Check[] {
  return [
    ...refusalChecks(diagnosis),
    secretCheck(diagnosis),
    ...hostChecks(diagnosis),
    ...callChecks(diagnosis),
  ];
}

/** What WeChat recorded of the request behind the last error. */
function refusalChecks({ app, now, lastRefusal }: Diagnosis): Check[] {
  if (!lastRefusal) return [];
  const { clientIp, at, costMs } = lastRefusal;
  const when = at === null ? '' : `, ${ago(at, now)}`;
  const cost = costMs === null ? '' : `; it took WeChat ${costMs} ms`;
  return [warning(`${app} last refused request`, `came from ${clientIp}, as WeChat saw it${when}${cost}`)];
}

function secretCheck({ app, secret }: Diagnosis): Check {
  const subject = `${app} AppSecret`;
  switch (secret) {
    case 'present':
      return ok(subject, 'is there');
    case 'missing':
      return problem(subject, `is missing; run \`wechat-token-refresher secret set ${app}\``);
    default:
      return problem(
        subject,
        "cannot be read by the function; is it encrypted with a key that the function's role may not use?",
      );
  }
}

function hostChecks({ app, hosts, throughProxy }: Diagnosis): Check[] {
  const route = throughProxy ? ' through the proxy' : '';
  return hosts.flatMap(({ host, reachable, latencyMs, clockSkewMs, problem: why }) => {
    const subject = `${app} ${host}`;
    if (!reachable) return [problem(subject, `is not reached${route} from the function: ${why}`)];
    const reached = ok(subject, `is reached${route} from the function in ${Math.round(latencyMs ?? 0)} ms`);
    if (clockSkewMs === null || Math.abs(clockSkewMs) <= MAX_SKEW_MS) return [reached];
    const ahead = clockSkewMs > 0 ? 'ahead of' : 'behind';
    const skew = duration(Math.abs(clockSkewMs));
    return [reached, warning(`${app} clock`, `is ${skew} ${ahead} WeChat's; set it by NTP`)];
  });
}

function callChecks({ app, tokenCalls: { ours, wechat, problem: why } }: Diagnosis): Check[] {
  const subject = `${app} token calls today`;
  if (!wechat) {
    return why === null ? [] : [warning(subject, `${ours} of ours; WeChat's own count is unknown: ${why}`)];
  }
  const counts = `WeChat counts ${wechat.used} of ${wechat.limit}, ${ours} of them ours`;
  const others = wechat.used - ours > MAX_UNEXPLAINED_CALLS;
  const spent = wechat.used >= wechat.limit;
  if (!others && !spent) return [ok(subject, counts)];
  const findings = [
    ...(others
      ? [
          `another client fetches this token, and each fetch invalidates ours. Find the program that has the AppSecret (${runbookUrl('unexpected-rotation')})`,
        ]
      : []),
    ...(spent ? [`the calls of the day are used up; ${resetOf(app)}`] : []),
  ];
  return [warning(subject, `${counts}: ${findings.join('. Besides, ')}`)];
}
