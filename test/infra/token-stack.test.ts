import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { timingOf } from '../../functions/core/rules/timing.ts';
import { resourcesOf, tokenStack } from './synth.ts';
import { ofType, theOnly } from './template.ts';

const stack = tokenStack({ wechat: { alarmEmail: 'ops@example.com' } });
const template = Template.fromStack(stack).toJSON();
const resources = resourcesOf(stack);
const DEAD_LETTER_QUEUE = '<RefresherDeadLetterQueue.Arn>';

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
          NOTICE_TOPIC_ARN: '<MonitoringAlarmsTopic>',
          POWERTOOLS_SERVICE_NAME: 'WechatTokenRefresher',
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
    expect(Object.keys(ofType('AWS::Lambda::Function', resources))).toHaveLength(2);
    const logs = Object.values(ofType('AWS::Logs::LogGroup', resources));
    expect(logs).toHaveLength(2);
    for (const log of logs) {
      expect(log).toMatchObject({ Properties: { RetentionInDays: 30 }, DeletionPolicy: 'Delete' });
    }
  });

  test('the read URL asks for a signature', () => {
    expect(theOnly('AWS::Lambda::Url', resources).Properties).toEqual({
      AuthType: 'AWS_IAM',
      TargetFunctionArn: '<ReadApiReadFunction.Arn>',
    });
  });
});

describe('ticks', () => {
  test('one a minute, never repeated, lost ones kept', () => {
    const { Properties, DependsOn } = theOnly('AWS::Scheduler::Schedule', resources);
    expect(Properties).toMatchObject({
      ScheduleExpression: 'rate(1 minute)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: '<RefresherRefreshFunction.Arn>',
        RoleArn: '<RefresherScheduleRole.Arn>',
        RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
        DeadLetterConfig: { Arn: DEAD_LETTER_QUEUE },
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
    const { Properties, DependsOn } = theOnly('AWS::Lambda::EventInvokeConfig', resources);
    expect(Properties).toEqual({
      FunctionName: '<RefresherRefreshFunction>',
      Qualifier: '$LATEST',
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
      DestinationConfig: { OnFailure: { Destination: DEAD_LETTER_QUEUE } },
    });
    // Lambda looks at the role when the destination is set.
    expect(String(DependsOn)).toContain('RefresherRefreshRoleDefaultPolicy');
  });

  test('the dead-letter queue is encrypted, and keeps events for two weeks', () => {
    expect(theOnly('AWS::SQS::Queue', resources).Properties).toEqual({
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 14 * 24 * 3600,
    });
  });
});

test('the table outlives the stack and can be restored', () => {
  expect(theOnly('AWS::DynamoDB::GlobalTable', resources)).toMatchObject({
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

test('a slower tick reaches all that depends on it', () => {
  const slow = resourcesOf(tokenStack({ wechat: { tickMinutes: 5 } }));
  expect(theOnly('AWS::Scheduler::Schedule', slow).Properties['ScheduleExpression']).toBe('rate(5 minutes)');
  expect(slow['RefresherRefreshFunction']?.Properties).toMatchObject({
    Timeout: timingOf(5 * 60_000).timeoutMs / 1000,
  });
  // Three bad ticks in a row: a period shorter than a tick would be empty, hence healthy, every other time.
  expect(slow['MonitoringRefresherErrors']?.Properties).toMatchObject({ Period: 300, EvaluationPeriods: 3 });
});

test('the outputs are those of the contract', () => {
  expect(Object.keys(template['Outputs']).sort()).toEqual([
    'AlarmTopicArn',
    'AppReaderPolicyArn',
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
