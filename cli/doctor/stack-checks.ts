import { AwsClient } from 'aws4fetch';
import { type Check, ok, problem, warning } from '../check.ts';
import { regionOf, type Stack } from '../target.ts';

/** What AWS says of a deployment. Each is one question. */

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
    return [warning(subject, `${status}${where}; ask again when it is over`)];
  return [problem(subject, `${status}${where}; deploy it again`)];
}

/** Alarms by the stack's name, which CloudFormation puts before each. */
export async function alarmChecks({ name, region }: Stack): Promise<Check[]> {
  const { CloudWatchClient, paginateDescribeAlarms } = await import('@aws-sdk/client-cloudwatch');
  const client = new CloudWatchClient(regionOf(region));
  const alarms = [];
  for await (const page of paginateDescribeAlarms({ client }, { AlarmNamePrefix: `${name}-` })) {
    alarms.push(...(page.MetricAlarms ?? []));
  }
  if (alarms.length === 0) return [problem('alarms', 'there are none; deploy again')];
  const ringing = alarms.filter(({ StateValue }) => StateValue === 'ALARM');
  if (ringing.length === 0) return [ok('alarms', `${alarms.length}, none of them fires`)];
  return ringing.map(({ AlarmName, AlarmDescription }) =>
    problem(`alarm ${AlarmName}`, AlarmDescription ?? 'fires'),
  );
}

export async function topicChecks(stack: Stack): Promise<Check[]> {
  const { SNSClient, ListSubscriptionsByTopicCommand } = await import('@aws-sdk/client-sns');
  const TopicArn = stack.output('AlarmTopicArn');
  const sns = new SNSClient(regionOf(stack.region));
  const { Subscriptions = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
  const confirmed = Subscriptions.filter(({ SubscriptionArn }) => SubscriptionArn?.startsWith('arn:'));
  if (confirmed.length > 0)
    return [ok('notices', `reach ${confirmed.length} subscriber${confirmed.length === 1 ? '' : 's'}`)];
  const cure =
    Subscriptions.length > 0
      ? 'the subscription is not confirmed: open the link in the mail from AWS'
      : 'nobody is subscribed: set alarmEmail and deploy, or subscribe to AlarmTopicArn';
  return [warning('notices', cure)];
}

/** Its health route, signed: what an app with the reader policy would get. */
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
  const response = await signer.fetch(underEmulator(url));
  const subject = `read URL ${url.origin}/`;
  // The health route answers with 503 when a credential is dead; that is told of each credential.
  if (response.status === 200 || response.status === 503) return [ok(subject, 'answers')];
  const byKey = response.status === 401;
  if (byKey) return [ok(subject, 'answers, and asks for a reader key')];
  return [problem(subject, `answers with ${response.status}; see its log (docs/runbook.md#read-errors)`)];
}

/** An emulator serves every URL under its own address. */
function underEmulator(url: URL): string {
  const emulator = process.env['AWS_ENDPOINT_URL'];
  if (!emulator) return url.href;
  const [id, service] = url.hostname.split('.');
  const path = service === 'execute-api' ? `execute-api/${id}/$default` : `lambda-url/${id}`;
  return `${emulator}/_aws/${path}${url.pathname}`;
}
