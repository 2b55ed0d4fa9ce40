import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { templateOf, tokenStack } from './synth.ts';

type Statement = { Effect: string; Action: string | string[]; Resource: unknown; Condition?: unknown };
type Resource = { Type: string; Properties: Record<string, unknown>; DeletionPolicy?: string };

const stack = tokenStack({ alarmEmail: 'ops@example.com' });
const template = templateOf(stack);
const assembly = Stage.of(stack)?.outdir ?? '';
const resources: Record<string, Resource> = template.toJSON()['Resources'];

function statementsOf(idPart: string, from: Template = template): Statement[] {
  const policies = Object.entries<Resource>(from.toJSON()['Resources'])
    .filter(([id, { Type }]) => id.startsWith(idPart) && /^AWS::IAM::(Managed)?Policy$/.test(Type))
    .map(([, { Properties }]) => Properties['PolicyDocument'] as { Statement: Statement[] });
  expect(policies).toHaveLength(1);
  return policies.flatMap(({ Statement }) => Statement);
}

const actionsOf = (statements: Statement[]) => statements.flatMap(({ Action }) => Action).sort();

describe('each role can do this and nothing else', () => {
  test('the refresher', () => {
    expect(actionsOf(statementsOf('RefresherRefreshRole'))).toEqual([
      'dynamodb:BatchGetItem',
      'dynamodb:PutItem',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'sqs:SendMessage',
      'ssm:GetParameter',
      'ssm:PutParameter',
    ]);
  });

  test('the reader writes its log and nothing else', () => {
    expect(actionsOf(statementsOf('ReadApiReadRole'))).toEqual([
      'dynamodb:BatchGetItem',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
    ]);
  });

  test('the schedule', () => {
    expect(actionsOf(statementsOf('RefresherScheduleRole'))).toEqual([
      'lambda:InvokeFunction',
      'sqs:SendMessage',
    ]);
  });

  test('apps: the tokens, and both permissions of the read URL', () => {
    const statements = statementsOf('ReadApiReaderPolicy');
    expect(actionsOf(statements)).toEqual([
      'lambda:InvokeFunction',
      'lambda:InvokeFunctionUrl',
      'ssm:GetParameter',
      'ssm:GetParameters',
      'ssm:GetParametersByPath',
    ]);
    expect(statements.find(({ Action }) => Action === 'lambda:InvokeFunction')?.Condition).toEqual({
      Bool: { 'lambda:InvokedViaFunctionUrl': 'true' },
    });
    expect(statements.find(({ Action }) => Action === 'lambda:InvokeFunctionUrl')?.Condition).toEqual({
      StringEquals: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' },
    });
    expect(JSON.stringify(statements)).not.toContain('/secrets');
  });

  test('only the refresher writes tokens and reads secrets, each below its own root', () => {
    const ssm = statementsOf('RefresherRefreshRole').filter(({ Action }) =>
      String(Action).startsWith('ssm:'),
    );
    const byAction = Object.fromEntries(
      ssm.map(({ Action, Resource }) => [String(Action), JSON.stringify(Resource)]),
    );
    expect(byAction['ssm:GetParameter']).toContain('parameter/wechat/secrets/*');
    expect(byAction['ssm:PutParameter']).toContain('parameter/wechat/tokens/*');
  });

  test('no identity policy names every resource or every action, or comes from AWS', () => {
    const owners = Object.values(resources).filter(({ Type }) => Type.startsWith('AWS::IAM::'));
    const policies = JSON.stringify(owners);
    expect(policies).not.toContain('"Resource":"*"');
    expect(policies).not.toMatch(/"(Action|NotAction)":("|\[[^\]]*")[a-z0-9:]*\*/i);
    expect(policies).not.toContain('ManagedPolicyArns');
  });

  test('no policy admits the function to anybody without a signature', () => {
    template.resourceCountIs('AWS::Lambda::Permission', 0);
    template.hasResourceProperties('AWS::Lambda::Url', { AuthType: 'AWS_IAM' });
  });
});

describe('functions', () => {
  test('both run Node 24 on arm64 and log for a month', () => {
    template.resourceCountIs('AWS::Lambda::Function', 2);
    template.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
    });
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
    template.allResources('AWS::Logs::LogGroup', { DeletionPolicy: 'Delete' });
  });

  test('the refresher knows its table and WeChat', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      Timeout: 90,
      MemorySize: 256,
      Environment: {
        Variables: {
          TABLE_NAME: { Ref: Match.stringLikeRegexp('^CredentialsTable') },
          WECHAT_HOSTS: 'https://api.weixin.qq.com,https://api2.weixin.qq.com',
          POWERTOOLS_SERVICE_NAME: 'wechat-token-refresher',
        },
      },
    });
  });

  test('the reader knows its table and nothing more', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      Timeout: 10,
      Environment: { Variables: { TABLE_NAME: { Ref: Match.stringLikeRegexp('^CredentialsTable') } } },
    });
  });

  test('each asset is one module and the list of apps', () => {
    for (const { Properties } of Object.values(template.findResources('AWS::Lambda::Function'))) {
      const asset = `asset.${Properties['Code'].S3Key.replace('.zip', '')}`;
      const file = (name: string) => readFileSync(join(assembly, asset, name), 'utf8');
      expect(file('index.mjs')).toContain('deployment.json');
      expect(JSON.parse(file('deployment.json'))).toMatchObject({
        apps: [{ name: 'shop', appId: 'wx0123456789abcdef', tickets: ['jsapi'] }],
        parameterPrefix: '/wechat',
        cacheSeconds: 10,
      });
    }
  });
});

describe('ticks', () => {
  test('one a minute, never repeated, lost ones kept', () => {
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'rate(1 minute)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
        DeadLetterConfig: { Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('Failures'), 'Arn'] } },
        Input: Match.serializedJson({
          source: 'aws.scheduler',
          'detail-type': 'Scheduled Event',
          id: '<aws.scheduler.execution-id>',
          time: '<aws.scheduler.scheduled-time>',
        }),
      },
    });
  });

  test('a failed invocation is kept, not repeated: the next tick is the retry', () => {
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('Failures'), 'Arn'] } },
      },
    });
    template.hasResourceProperties('AWS::SQS::Queue', {
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 14 * 24 * 3600,
    });
  });
});

test('the table outlives the stack and can be restored', () => {
  template.hasResource('AWS::DynamoDB::GlobalTable', {
    DeletionPolicy: 'Retain',
    UpdateReplacePolicy: 'Retain',
    Properties: {
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      Replicas: [
        Match.objectLike({
          DeletionProtectionEnabled: true,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        }),
      ],
    },
  });
});

describe('alarms', () => {
  test('each notifies the topic of trouble and of its end, and says what to do', () => {
    const alarms = Object.values<Resource>(template.findResources('AWS::CloudWatch::Alarm') as never);
    expect(alarms).toHaveLength(2);
    for (const { Properties } of alarms) {
      expect(Properties['AlarmActions']).toEqual(Properties['OKActions']);
      expect(String(Properties['AlarmDescription']).length).toBeGreaterThan(80);
    }
    template.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'email',
      Endpoint: 'ops@example.com',
    });
  });

  // A topic policy replaces SNS's default, which let this account's alarms publish: the denial of plain HTTP alone
  // would refuse CloudWatch, and ops would hear nothing.
  test('CloudWatch may publish to the topic', () => {
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Allow',
            Action: 'sns:Publish',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
          }),
        ]),
      },
    });
  });
});

test('the outputs are those of the contract', () => {
  expect(Object.keys(template.toJSON()['Outputs']).sort()).toEqual([
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

test('the configuration reaches the template', () => {
  const other = templateOf(
    tokenStack(
      { parameterPrefix: '/team/wx', tickMinutes: 5, wechatHosts: ['http://127.0.0.1:8080'] },
      { account: '123456789012', region: 'eu-west-1' },
    ),
  );
  other.hasResourceProperties('AWS::Scheduler::Schedule', { ScheduleExpression: 'rate(5 minutes)' });
  other.hasResourceProperties('AWS::Lambda::Function', {
    Timeout: 330,
    Environment: { Variables: { WECHAT_HOSTS: 'http://127.0.0.1:8080' } },
  });
  other.resourceCountIs('AWS::SNS::Subscription', 0);
  expect(JSON.stringify(statementsOf('ReadApiReaderPolicy', other))).toContain(
    'arn:aws:ssm:eu-west-1:123456789012:parameter/team/wx/tokens/*',
  );
});

test('nothing in the template looks like a secret', () => {
  const text = JSON.stringify(template.toJSON());
  expect(text).not.toMatch(/"[^"]*(secret|password)[^"]*":\s*"/i);
  expect(text).not.toMatch(/AKIA[0-9A-Z]{16}|wtk_/);
});

test('the whole template', () => {
  const text = JSON.stringify(template.toJSON(), null, 2);
  expect(text.replaceAll(/[0-9a-f]{64}/g, '<asset hash>')).toMatchSnapshot();
});
