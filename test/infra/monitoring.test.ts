import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Resource, resourcesOf, shop, tokenStack } from './synth.ts';
import { allow, ofType, type Statement, statementsOf, theOnly } from './template.ts';

const apps = [
  { ...shop, tickets: ['jsapi'] },
  { name: 'mini', kind: 'mini-program', appId: 'wxfedcba9876543210', tokenApi: 'stable' },
  { name: 'crm', kind: 'wecom', corpId: 'ww0123456789abcdef', agentId: 1000002, tickets: ['agent_config'] },
  { name: 'contacts', kind: 'wecom', corpId: 'ww0123456789abcdef' },
  { name: 'phone', kind: 'open-app', appId: 'wx5678901234abcdef', tickets: ['sdk'] },
];
const stack = tokenStack({ wechat: { apps, alarmEmail: 'ops@example.com' } });
const resources = resourcesOf(stack);

const manyApps = Array.from({ length: 200 }, (_, index) => ({
  ...shop,
  name: `app-${index}`,
  appId: `wx${index}0000`,
  tickets: ['jsapi', 'wx_card'],
}));

const alarmsOf = (from: Record<string, Resource>): Record<string, Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(ofType('AWS::CloudWatch::Alarm', from)).map(([id, { Properties }]) => [
      id.replace(/^Monitoring/, ''),
      Properties,
    ]),
  );
const alarms = alarmsOf(resources);

const OF_THE_STACK = ['DeadLetters', 'ReadErrors', 'ReadLatency', 'RefresherErrors', 'RefresherThrottles'];

describe('alarms', () => {
  test('each app has its own, by what can happen to it', () => {
    expect(Object.keys(alarms).sort()).toEqual(
      [
        ...OF_THE_STACK,
        'Expiringcontactsaccesstoken',
        'Expiringcrmaccesstoken',
        'Expiringcrmagentconfigticket',
        'Expiringminiaccesstoken',
        'Expiringphoneaccesstoken',
        'Expiringphonesdkticket',
        'Expiringshopaccesstoken',
        'Expiringshopjsapiticket',
        'FailuresInARowcontacts',
        'FailuresInARowcrm',
        'FailuresInARowmini',
        'FailuresInARowphone',
        'FailuresInARowshop',
        'QuotaNearphone',
        'QuotaNearshop',
        'UnexpectedRotationcontacts',
        'UnexpectedRotationcrm',
        'UnexpectedRotationmini',
        'UnexpectedRotationphone',
        'UnexpectedRotationshop',
      ].sort(),
    );
  });

  test('each notifies the topic when it fires and when it is over', () => {
    for (const alarm of Object.values(alarms)) {
      expect(alarm['AlarmActions']).toEqual(['<MonitoringAlarmsTopic>']);
      expect(alarm['OKActions']).toEqual(['<MonitoringAlarmsTopic>']);
    }
  });

  test('each says what it means, of which app, and where the runbook has the remedy', () => {
    const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
    const headings = [...runbook.matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
      text.toLowerCase().replaceAll(' ', '-'),
    );
    for (const [id, { AlarmDescription }] of Object.entries(alarms)) {
      const [, text = '', anchor = ''] =
        /^(.+) What to do: https:\/\/github\.com\/wechat-token-refresher\/wechat-token-refresher\/blob\/main\/docs\/runbook\.md#([a-z-]+)$/.exec(
          String(AlarmDescription),
        ) ?? [];
      expect(text.length, id).toBeGreaterThan(60);
      expect(headings, id).toContain(anchor);
      const [app] = /(shop|mini|crm|contacts|phone)/.exec(id) ?? [];
      if (app) expect(text).toContain(`app '${app}'`);
    }
  });

  test.each([
    ['shop', 'access-token', 900],
    ['shop', 'jsapi-ticket', 1],
    ['mini', 'access-token', 240],
    ['crm', 'access-token', 1],
    ['crm', 'agent-config-ticket', 1],
    ['contacts', 'access-token', 1],
    ['phone', 'access-token', 900],
    ['phone', 'sdk-ticket', 1],
  ])('%s/%s: fewer than %d seconds left in three ticks, or no datapoint', (app, credential, seconds) => {
    expect(alarms[`Expiring${app}${credential.replaceAll('-', '')}`]).toMatchObject({
      Namespace: 'WechatTokenRefresher',
      MetricName: 'SecondsRemaining',
      Statistic: 'Maximum',
      Dimensions: [
        { Name: 'app', Value: app },
        { Name: 'credential', Value: credential },
        { Name: 'service', Value: 'WechatTokenRefresher' },
      ],
      ComparisonOperator: 'LessThanThreshold',
      Threshold: seconds,
      Period: 60,
      EvaluationPeriods: 3,
      TreatMissingData: 'breaching',
    });
  });

  test.each([
    ['FailuresInARowshop', 'FailuresInARow', 'Maximum', 5, 'notBreaching'],
    ['UnexpectedRotationshop', 'UnexpectedRotation', 'Sum', 1, 'notBreaching'],
    ['QuotaNearshop', 'QuotaUsedPercent', 'Maximum', 80, 'ignore'],
  ])('%s', (id, metric, statistic, threshold, missing) => {
    expect(alarms[id]).toMatchObject({
      MetricName: metric,
      Statistic: statistic,
      Dimensions: [
        { Name: 'app', Value: 'shop' },
        { Name: 'service', Value: 'WechatTokenRefresher' },
      ],
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Threshold: threshold,
      EvaluationPeriods: 1,
      TreatMissingData: missing,
    });
  });

  const functionNamed = (Value: string) => [{ Name: 'FunctionName', Value }];
  test.each([
    ['RefresherErrors', 'Errors', 1, 3, functionNamed('<RefresherRefreshFunction>')],
    ['RefresherThrottles', 'Throttles', 1, 3, functionNamed('<RefresherRefreshFunction>')],
    ['ReadErrors', 'Url5xxCount', 1, 3, functionNamed('<ReadApiReadFunction>')],
    ['ReadLatency', 'UrlRequestLatency', 2000, 2, functionNamed('<ReadApiReadFunction>')],
    [
      'DeadLetters',
      'ApproximateNumberOfMessagesVisible',
      1,
      1,
      [{ Name: 'QueueName', Value: '<RefresherDeadLetterQueue.QueueName>' }],
    ],
  ])('%s watches %s', (id, MetricName, Threshold, EvaluationPeriods, Dimensions) => {
    expect(alarms[id]).toMatchObject({ MetricName, Threshold, EvaluationPeriods, Dimensions });
  });

  test('behind an HTTP API its own measures take the place of the function URL', () => {
    const behindApi = alarmsOf(resourcesOf(tokenStack({ wechat: { readUrl: { frontEnd: 'http-api' } } })));
    const Dimensions = [{ Name: 'ApiId', Value: '<ReadApiHttpApi>' }];
    expect(behindApi['ReadErrors']).toMatchObject({
      Namespace: 'AWS/ApiGateway',
      MetricName: '5xx',
      Dimensions,
    });
    expect(behindApi['ReadLatency']).toMatchObject({
      MetricName: 'Latency',
      ExtendedStatistic: 'p99',
      Dimensions,
    });
  });

  test('a slower tick has slower periods: an empty one would count as no datapoint, or as healthy', () => {
    const slow = alarmsOf(resourcesOf(tokenStack({ wechat: { tickMinutes: 5 } })));
    for (const id of ['RefresherErrors', 'Expiringshopaccesstoken', 'FailuresInARowshop']) {
      expect(slow[id]).toMatchObject({ Period: 300 });
    }
  });

  test('a large stack has one alarm for all its apps, and room for all of them', () => {
    const large = resourcesOf(tokenStack({ wechat: { apps: manyApps, egress: { mode: 'nat-instance' } } }));
    expect(Object.keys(alarmsOf(large)).sort()).toEqual(
      [...OF_THE_STACK, 'Expiring', 'FailuresInARow', 'QuotaNear', 'UnexpectedRotation'].sort(),
    );
    expect(alarmsOf(large)['Expiring']).toMatchObject({
      MetricName: 'ExpiringCredentials',
      Dimensions: [{ Name: 'service', Value: 'WechatTokenRefresher' }],
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Threshold: 1,
      TreatMissingData: 'breaching',
    });
  });

  // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
  test('the largest stack with an alarm for each app stays below 500 resources', () => {
    const wechat = {
      apps: manyApps.slice(0, 60),
      egress: { mode: 'nat-instance' },
      readUrl: { frontEnd: 'http-api' },
    };
    const most = resourcesOf(tokenStack({ wechat }));
    expect(Object.keys(alarmsOf(most))).toHaveLength(60 * 6 + OF_THE_STACK.length);
    expect(Object.keys(most).length).toBeLessThan(500);
  });
});

describe('the topic', () => {
  test('sends e-mail, where there is an address', () => {
    expect(theOnly('AWS::SNS::Subscription', resources).Properties).toEqual({
      Protocol: 'email',
      Endpoint: 'ops@example.com',
      TopicArn: '<MonitoringAlarmsTopic>',
    });
    expect(ofType('AWS::SNS::Subscription', resourcesOf(tokenStack()))).toEqual({});
  });

  test("is encrypted with the stack's own key, and so are all logs", () => {
    expect(theOnly('AWS::SNS::Topic', resources).Properties).toMatchObject({ KmsMasterKeyId: '<Key.Arn>' });
    const behindApi = resourcesOf(tokenStack({ wechat: { readUrl: { frontEnd: 'http-api' } } }));
    const logs = Object.values(ofType('AWS::Logs::LogGroup', behindApi));
    expect(logs).toHaveLength(3);
    for (const { Properties } of logs)
      expect(Properties).toMatchObject({ KmsKeyId: '<Key.Arn>', RetentionInDays: 30 });
  });

  // A topic policy replaces SNS's default, which let this account's alarms publish: the denial of plain HTTP alone
  // would refuse CloudWatch, and operators would not be notified.
  test('CloudWatch, of this account only, may publish to it and use the key; so may its logs', () => {
    const condition = { StringEquals: { 'aws:SourceAccount': '<AWS::AccountId>' } };
    const cloudWatch = { Principal: { Service: 'cloudwatch.amazonaws.com' } };
    const policy = theOnly('AWS::SNS::TopicPolicy', resources);
    expect(statementsOf(policy).filter(({ Effect }) => Effect === 'Allow')).toEqual([
      {
        ...allow('sns:Publish', '<MonitoringAlarmsTopic>', condition),
        ...cloudWatch,
        Sid: expect.any(String),
      },
    ]);
    const { KeyPolicy } = theOnly('AWS::KMS::Key', resources).Properties as {
      KeyPolicy: { Statement: Statement[] };
    };
    expect(KeyPolicy.Statement).toEqual([
      {
        ...allow('kms:*', '*'),
        Principal: { AWS: 'arn:<AWS::Partition>:iam::<AWS::AccountId>:root' },
      },
      { ...allow(['kms:Decrypt', 'kms:GenerateDataKey'], '*', condition), ...cloudWatch },
      {
        ...allow(
          ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
          '*',
          {
            ArnLike: {
              'kms:EncryptionContext:aws:logs:arn':
                'arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:*',
            },
          },
        ),
        Principal: { Service: 'logs.<AWS::Region>.amazonaws.com' },
      },
    ]);
  });
});

describe('the dashboard', () => {
  type Widget = {
    type: string;
    properties: { title?: string; alarms?: string[]; query?: string; metrics?: unknown[] };
  };
  const widgetsOf = (from: Record<string, Resource>): Widget[] =>
    JSON.parse(String(theOnly('AWS::CloudWatch::Dashboard', from).Properties['DashboardBody'])).widgets;
  const widgets = widgetsOf(resources);

  test('begins with every alarm, then the time left of each credential, then the latest failures', () => {
    const [alarmStatus, left, failed] = widgets;
    expect(alarmStatus?.properties.alarms).toHaveLength(Object.keys(alarms).length);
    expect(JSON.stringify(left?.properties.metrics)).toContain(
      'SEARCH(\'{WechatTokenRefresher,service,app,credential} MetricName=\\"SecondsRemaining\\" service=\\"WechatTokenRefresher\\"',
    );
    expect(failed?.properties.query).toContain("SOURCE '<RefresherRefreshLogs>'");
    expect(failed?.properties.query).toContain('sort @timestamp desc');
  });

  test('of many apps shows how many credentials are late, and no more alarms a widget than there may be', () => {
    const many = widgetsOf(resourcesOf(tokenStack({ wechat: { apps: manyApps.slice(0, 60) } })));
    const shown = many.map(({ properties }) => properties.alarms?.length ?? 0).filter((count) => count > 0);
    expect(shown).toEqual([100, 100, 100, 65]);
    const large = widgetsOf(resourcesOf(tokenStack({ wechat: { apps: manyApps } })));
    expect(JSON.stringify(large[1])).toContain('ExpiringCredentials');
  });
});
