import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { timingOf } from '../../functions/core/timing.ts';
import { type Resource, resourcesOf, tokenStack } from './synth.ts';

type Statement = {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
  Principal?: unknown;
  Sid?: string;
};

const stack = tokenStack({ wechat: { alarmEmail: 'ops@example.com' } });
const template = Template.fromStack(stack).toJSON();
const resources = resourcesOf(stack);

const ofType = (type: string, from = resources): Record<string, Resource> =>
  Object.fromEntries(Object.entries(from).filter(([, { Type }]) => Type === type));

function theOnly(type: string, from = resources): Resource {
  const [resource, ...more] = Object.values(ofType(type, from));
  if (!resource || more.length > 0) throw new Error(`not exactly one ${type}`);
  return resource;
}

const statementsOf = ({ Properties }: Resource): Statement[] =>
  (Properties['PolicyDocument'] as { Statement: Statement[] }).Statement;

/** Who may do what to what: the whole of every policy that gives a role or an app something. */
function grants(from = resources) {
  const policies = { ...ofType('AWS::IAM::Policy', from), ...ofType('AWS::IAM::ManagedPolicy', from) };
  return Object.fromEntries(Object.entries(policies).map(([id, policy]) => [id, statementsOf(policy)]));
}

const allow = (actions: string | string[], resource: string | string[], condition?: object) => ({
  Effect: 'Allow',
  Action: actions,
  Resource: resource,
  ...(condition && { Condition: condition }),
});

const LOG = ['logs:CreateLogStream', 'logs:PutLogEvents'];
const FAILURES = '<RefresherFailures.Arn>';
const parameters = 'arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/wechat';

describe('each role can do this and nothing else', () => {
  const refresher = [
    allow(LOG, '<RefresherRefreshLogs.Arn>'),
    allow(['dynamodb:BatchGetItem', 'dynamodb:PutItem'], '<CredentialsTable.Arn>'),
    allow('ssm:GetParameter', `${parameters}/secrets/*`),
    allow('ssm:PutParameter', `${parameters}/tokens/*`),
    allow('sqs:SendMessage', FAILURES),
    allow('sns:Publish', '<MonitoringAlarms>'),
    allow(['kms:Decrypt', 'kms:GenerateDataKey'], '<MonitoringTopicKey.Arn>'),
  ];
  const reader = [
    allow(LOG, '<ReadApiReadLogs.Arn>'),
    allow('dynamodb:BatchGetItem', '<CredentialsTable.Arn>'),
  ];
  const schedule = [
    allow('lambda:InvokeFunction', '<RefresherRefreshFunction.Arn>'),
    allow('sqs:SendMessage', FAILURES),
  ];
  // A Function URL asks its callers for two permissions, each of them useless for anything else.
  const apps = [
    allow(
      ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParametersByPath'],
      [`${parameters}/tokens`, `${parameters}/tokens/*`],
    ),
    allow('lambda:InvokeFunctionUrl', '<ReadApiReadFunction.Arn>', {
      StringEquals: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' },
    }),
    allow('lambda:InvokeFunction', '<ReadApiReadFunction.Arn>', {
      Bool: { 'lambda:InvokedViaFunctionUrl': 'true' },
    }),
  ];

  test('the refresher, the reader, the schedule and apps', () => {
    expect(grants()).toEqual({
      RefresherRefreshRoleDefaultPolicy: refresher,
      ReadApiReadRoleDefaultPolicy: reader,
      RefresherScheduleRoleDefaultPolicy: schedule,
      ReadApiReaderPolicy: apps,
    });
  });

  test('in a known region and account, ARNs name it and the prefix', () => {
    const known = tokenStack({
      wechat: { parameterPrefix: '/team/wx' },
      env: { account: '123456789012', region: 'eu-west-1' },
    });
    const arns = JSON.stringify(grants(resourcesOf(known))).match(/arn:[^"]*/g);
    const root = 'arn:aws:ssm:eu-west-1:123456789012:parameter/team/wx';
    expect(arns?.sort()).toEqual(
      ['secrets/*', 'tokens', 'tokens/*', 'tokens/*'].map((name) => `${root}/${name}`),
    );
  });

  test('the partition follows the region', () => {
    const china = tokenStack({ env: { account: '123456789012', region: 'cn-north-1' } });
    expect(JSON.stringify(grants(resourcesOf(china)))).toContain(
      'arn:aws-cn:ssm:cn-north-1:123456789012:parameter/wechat/',
    );
  });

  test('nobody gets anything but by these policies, and nobody else may be the role', () => {
    const trust = (service: string, condition?: object) => ({
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: 'sts:AssumeRole',
            Principal: { Service: service },
            ...(condition && { Condition: condition }),
          },
        ],
      },
    });
    const roles = Object.entries(ofType('AWS::IAM::Role'));
    expect(Object.fromEntries(roles.map(([id, { Properties }]) => [id, Properties]))).toEqual({
      RefresherRefreshRole: trust('lambda.amazonaws.com'),
      ReadApiReadRole: trust('lambda.amazonaws.com'),
      RefresherScheduleRole: trust('scheduler.amazonaws.com', {
        StringEquals: { 'aws:SourceAccount': '<AWS::AccountId>' },
      }),
    });
    expect(ofType('AWS::Lambda::Permission')).toEqual({});
  });

  test("only a key's own policy says Resource *", () => {
    const carefree = Object.entries(resources)
      .filter(([, { Properties }]) => JSON.stringify(Properties).includes('"Resource":"*"'))
      .map(([id]) => id);
    expect(carefree).toEqual(['MonitoringTopicKey']);
  });
});

describe('functions', () => {
  const properties = (id: string) => resources[id]?.Properties;

  test('the refresher', () => {
    const { Code: _asset, Description: _words, ...rest } = properties('RefresherRefreshFunction') ?? {};
    expect(rest).toEqual({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      MemorySize: 256,
      Timeout: timingOf(60_000).timeoutMs / 1000,
      Role: '<RefresherRefreshRole.Arn>',
      LoggingConfig: { LogFormat: 'JSON', LogGroup: '<RefresherRefreshLogs>' },
      Environment: {
        Variables: {
          TABLE_NAME: '<CredentialsTable>',
          WECHAT_HOSTS: 'https://api.weixin.qq.com,https://api2.weixin.qq.com',
          WECOM_HOSTS: 'https://qyapi.weixin.qq.com',
          NOTICE_TOPIC_ARN: '<MonitoringAlarms>',
          POWERTOOLS_SERVICE_NAME: 'wechat-token-refresher',
        },
      },
    });
  });

  test('the reader, which knows its table and nothing more', () => {
    const { Code: _asset, Description: _words, ...rest } = properties('ReadApiReadFunction') ?? {};
    expect(rest).toEqual({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      MemorySize: 512,
      Timeout: 10,
      Role: '<ReadApiReadRole.Arn>',
      LoggingConfig: { LogFormat: 'JSON', LogGroup: '<ReadApiReadLogs>' },
      Environment: { Variables: { TABLE_NAME: '<CredentialsTable>' } },
    });
  });

  test('there is no third one, and each logs for a month', () => {
    expect(Object.keys(ofType('AWS::Lambda::Function'))).toHaveLength(2);
    const logs = Object.values(ofType('AWS::Logs::LogGroup'));
    expect(logs).toHaveLength(2);
    for (const log of logs) {
      expect(log).toMatchObject({ Properties: { RetentionInDays: 30 }, DeletionPolicy: 'Delete' });
    }
  });

  test('the read URL asks for a signature', () => {
    expect(theOnly('AWS::Lambda::Url').Properties).toEqual({
      AuthType: 'AWS_IAM',
      TargetFunctionArn: '<ReadApiReadFunction.Arn>',
    });
  });
});

describe('ticks', () => {
  test('one a minute, never repeated, lost ones kept', () => {
    const { Properties, DependsOn } = theOnly('AWS::Scheduler::Schedule');
    expect(Properties).toMatchObject({
      ScheduleExpression: 'rate(1 minute)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: '<RefresherRefreshFunction.Arn>',
        RoleArn: '<RefresherScheduleRole.Arn>',
        RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
        DeadLetterConfig: { Arn: FAILURES },
      },
    });
    expect(JSON.parse((Properties['Target'] as { Input: string }).Input)).toEqual({
      source: 'aws.scheduler',
      'detail-type': 'Scheduled Event',
      id: '<aws.scheduler.execution-id>',
      time: '<aws.scheduler.scheduled-time>',
    });
    // Scheduler looks at the role when the schedule is made.
    expect(String(DependsOn)).toContain('RefresherScheduleRoleDefaultPolicy');
  });

  test('a failed invocation is kept, not repeated: the next tick is the retry', () => {
    const { Properties, DependsOn } = theOnly('AWS::Lambda::EventInvokeConfig');
    expect(Properties).toEqual({
      FunctionName: '<RefresherRefreshFunction>',
      Qualifier: '$LATEST',
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
      DestinationConfig: { OnFailure: { Destination: FAILURES } },
    });
    // Lambda looks at the role when the destination is set.
    expect(String(DependsOn)).toContain('RefresherRefreshRoleDefaultPolicy');
  });

  test('what failed is kept encrypted, for two weeks', () => {
    expect(theOnly('AWS::SQS::Queue').Properties).toEqual({
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 14 * 24 * 3600,
    });
  });
});

test('the table outlives the stack and can be restored', () => {
  expect(theOnly('AWS::DynamoDB::GlobalTable')).toMatchObject({
    DeletionPolicy: 'Retain',
    UpdateReplacePolicy: 'Retain',
    Properties: {
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      Replicas: [
        {
          DeletionProtectionEnabled: true,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        },
      ],
    },
  });
});

describe('alarms', () => {
  test('each notifies the topic of trouble and of its end, and says what to do', () => {
    const alarms = Object.values(ofType('AWS::CloudWatch::Alarm'));
    expect(alarms).toHaveLength(2);
    for (const { Properties } of alarms) {
      expect(Properties['AlarmActions']).toEqual(['<MonitoringAlarms>']);
      expect(Properties['OKActions']).toEqual(['<MonitoringAlarms>']);
      expect(String(Properties['AlarmDescription']).length).toBeGreaterThan(80);
    }
  });

  test('by e-mail, where there is an address', () => {
    expect(theOnly('AWS::SNS::Subscription').Properties).toEqual({
      Protocol: 'email',
      Endpoint: 'ops@example.com',
      TopicArn: '<MonitoringAlarms>',
    });
    expect(ofType('AWS::SNS::Subscription', resourcesOf(tokenStack()))).toEqual({});
  });

  // A topic policy replaces SNS's default, which let this account's alarms publish: the denial of plain HTTP alone
  // would refuse CloudWatch, and ops would hear nothing.
  test('CloudWatch, of this account only, may publish to the topic and use its key', () => {
    const condition = { StringEquals: { 'aws:SourceAccount': '<AWS::AccountId>' } };
    const cloudWatch = { Principal: { Service: 'cloudwatch.amazonaws.com' } };
    expect(statementsOf(theOnly('AWS::SNS::TopicPolicy')).filter(({ Effect }) => Effect === 'Allow')).toEqual(
      [{ ...allow('sns:Publish', '<MonitoringAlarms>', condition), ...cloudWatch, Sid: expect.any(String) }],
    );
    const { KeyPolicy } = theOnly('AWS::KMS::Key').Properties as { KeyPolicy: { Statement: Statement[] } };
    expect(KeyPolicy.Statement).toEqual([
      {
        ...allow('kms:*', '*'),
        Principal: { AWS: 'arn:<AWS::Partition>:iam::<AWS::AccountId>:root' },
      },
      { ...allow(['kms:Decrypt', 'kms:GenerateDataKey'], '*', condition), ...cloudWatch },
    ]);
  });
});

describe('a read URL with reader keys', () => {
  const byKey = resourcesOf(tokenStack({ wechat: { readUrl: { auth: 'key' } } }));

  test('is open to everybody by the two permissions that a public URL needs since October 2025', () => {
    expect(theOnly('AWS::Lambda::Url', byKey).Properties['AuthType']).toBe('NONE');
    const permissions = Object.values(byKey).filter(({ Type }) => Type === 'AWS::Lambda::Permission');
    const FunctionName = '<ReadApiReadFunction.Arn>';
    expect(permissions.map(({ Properties }) => Properties)).toEqual([
      {
        Action: 'lambda:InvokeFunctionUrl',
        FunctionName,
        FunctionUrlAuthType: 'NONE',
        Principal: '*',
      },
      { Action: 'lambda:InvokeFunction', FunctionName, InvokedViaFunctionUrl: true, Principal: '*' },
    ]);
  });

  test('asks no IAM right of its readers, and gives the function none beyond reading', () => {
    const changed = { ...grants(), ...grants(byKey) };
    expect(grants(byKey)).toEqual({
      ...changed,
      ReadApiReaderPolicy: [
        allow(
          ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParametersByPath'],
          [`${parameters}/tokens`, `${parameters}/tokens/*`],
        ),
      ],
      ReadApiReadRoleDefaultPolicy: grants()['ReadApiReadRoleDefaultPolicy'],
    });
  });

  test('with IAM nobody is let in by the function itself', () => {
    expect(Object.values(resources).some(({ Type }) => Type === 'AWS::Lambda::Permission')).toBe(false);
  });
});

test('a proxy is named by its parameter, which the refresher alone may read', () => {
  const behindProxy = resourcesOf(
    tokenStack({ wechat: { egress: { mode: 'proxy', proxyUrlParameter: '/net/proxy-url' } } }),
  );
  expect(behindProxy['RefresherRefreshFunction']?.Properties).toMatchObject({
    Environment: { Variables: { PROXY_URL_PARAMETER: '/net/proxy-url' } },
  });
  const granted = Object.entries(grants(behindProxy)).filter(([, statements]) =>
    JSON.stringify(statements).includes('/net/proxy-url'),
  );
  expect(granted.map(([role]) => role)).toEqual(['RefresherRefreshRoleDefaultPolicy']);
  expect(granted[0]?.[1]).toContainEqual(
    allow('ssm:GetParameter', [parameters.replace('/wechat', '/net/proxy-url'), `${parameters}/secrets/*`]),
  );
});

test('a slower tick and other hosts reach all that depends on them', () => {
  const slow = resourcesOf(
    tokenStack({ wechat: { tickMinutes: 5, wechatHosts: ['http://127.0.0.1:8080', 'https://example.com'] } }),
  );
  expect(theOnly('AWS::Scheduler::Schedule', slow).Properties['ScheduleExpression']).toBe('rate(5 minutes)');
  expect(slow['RefresherRefreshFunction']?.Properties).toMatchObject({
    Timeout: timingOf(5 * 60_000).timeoutMs / 1000,
    Environment: { Variables: { WECHAT_HOSTS: 'http://127.0.0.1:8080,https://example.com' } },
  });
  // Three bad ticks in a row: a period shorter than a tick would be empty, hence healthy, every other time.
  expect(slow['MonitoringRefresherErrors']?.Properties).toMatchObject({ Period: 300, EvaluationPeriods: 3 });
});

test('the outputs are those of the contract', () => {
  expect(Object.keys(template['Outputs']).sort()).toEqual([
    'AlarmTopicArn',
    'DashboardUrl',
    'ParameterPrefix',
    'ReadFunctionName',
    'ReadUrl',
    'ReaderPolicyArn',
    'RefreshFunctionName',
    'TableName',
  ]);
});

test('nothing in the template looks like a secret', () => {
  const text = JSON.stringify(template);
  expect(text).not.toMatch(/"[^"]*(secret|password)[^"]*":\s*"/i);
  // An AppSecret is 32 hex digits; the only ones here are the assets' hashes.
  expect(text.replaceAll(/\b[0-9a-f]{64}\b/g, '')).not.toMatch(/[0-9a-f]{32}/i);
  expect(text).not.toMatch(/AKIA[0-9A-Z]{16}|wtk_/);
});

test('the whole template', () => {
  const text = JSON.stringify(template, null, 2);
  expect(text.replaceAll(/[0-9a-f]{64}/g, '<asset hash>')).toMatchSnapshot();
});

test.each([
  ['AWS::Lambda::EventInvokeConfig', 'RefresherRefreshRole'],
  ['AWS::Scheduler::Schedule', 'RefresherScheduleRole'],
])('%s comes after the policy that AWS checks at its creation', (type, role) => {
  const raw = Object.values<{ Type: string; DependsOn?: string[] }>(template['Resources']);
  const [found] = raw.filter(({ Type }) => Type === type);
  expect(found?.DependsOn?.some((id) => id.startsWith(`${role}DefaultPolicy`))).toBe(true);
});
