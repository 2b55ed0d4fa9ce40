import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { allows } from './iam.ts';
import { resourcesOf, shop, tokenStack } from './synth.ts';
import { allow, grants, ofType, type Resources } from './template.ts';

/**
 * The whole of what every role may do, mode by mode and word for word: a role that gains an action fails here.
 */

const LOG = ['logs:CreateLogStream', 'logs:PutLogEvents'];
const DEAD_LETTER_QUEUE = '<RefresherDeadLetterQueue.Arn>';
const inRegion = 'arn:<AWS::Partition>';
const parameters = `${inRegion}:ssm:<AWS::Region>:<AWS::AccountId>:parameter/wechat`;
const anyInterface = `${inRegion}:ec2:<AWS::Region>:<AWS::AccountId>:*/*`;
const api = `${inRegion}:execute-api:<AWS::Region>:<AWS::AccountId>:<ReadApiHttpApi>/$default`;
const KEY = 'arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef';

const MANAGE_INTERFACES = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:UnassignPrivateIpAddresses',
];
const DESCRIBE_INTERFACES = ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'];

const readSecrets = allow('ssm:GetParameter', `${parameters}/secrets/*`);
const refresher = [
  allow(LOG, '<RefresherRefreshLogs.Arn>'),
  allow(['dynamodb:BatchGetItem', 'dynamodb:PutItem'], '<CredentialsTable.Arn>'),
  readSecrets,
  allow('ssm:PutParameter', `${parameters}/tokens/*`),
  allow('sqs:SendMessage', DEAD_LETTER_QUEUE),
  allow('sns:Publish', '<MonitoringAlarmsTopic>'),
  allow(['kms:Decrypt', 'kms:GenerateDataKey'], '<Key.Arn>'),
];
const reader = [
  allow(LOG, '<ReadApiReadLogs.Arn>'),
  allow('dynamodb:BatchGetItem', '<CredentialsTable.Arn>'),
];
const schedule = [
  allow('lambda:InvokeFunction', '<RefresherRefreshFunction.Arn>'),
  allow('sqs:SendMessage', DEAD_LETTER_QUEUE),
];
const readParameters = allow(
  ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParametersByPath'],
  [`${parameters}/tokens`, `${parameters}/tokens/*`],
);
const readTaggedApp = allow(
  ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParametersByPath'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: IAM's own variables
  ['tokens/${aws:PrincipalTag/wechat-app}', 'tokens/${aws:PrincipalTag/wechat-app}/*'].map(
    (name) => `${parameters}/${name}`,
  ),
);
// A Function URL asks its callers for two permissions, each of them useless for anything else.
const callUrl = [
  allow('lambda:InvokeFunctionUrl', '<ReadApiReadFunction.Arn>', {
    StringEquals: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' },
  }),
  allow('lambda:InvokeFunction', '<ReadApiReadFunction.Arn>', {
    Bool: { 'lambda:InvokedViaFunctionUrl': 'true' },
  }),
];
// Only Lambda itself may use them: the function's code is denied all of it.
const attach = [
  allow(MANAGE_INTERFACES, anyInterface),
  allow(DESCRIBE_INTERFACES, '*'),
  {
    ...allow([...MANAGE_INTERFACES, ...DESCRIBE_INTERFACES].sort(), '*', {
      Null: { 'lambda:SourceFunctionArn': 'false' },
    }),
    Effect: 'Deny',
  },
];

type Expected = { refresher?: object[]; reader?: object[]; apps?: object[] };
const byDefault = { refresher, reader, apps: [readParameters, ...callUrl] };

const modes: [what: string, wechat: object, expected: Expected][] = [
  ['by default', {}, {}],
  ['through a NAT gateway', { egress: { mode: 'nat-gateway' } }, { refresher: [...attach, ...refresher] }],
  ['through a NAT instance', { egress: { mode: 'nat-instance' } }, { refresher: [...attach, ...refresher] }],
  [
    'through a proxy',
    { egress: { mode: 'proxy', proxyUrlParameter: '/net/proxy-url' } },
    {
      refresher: refresher.map((statement) =>
        statement === readSecrets
          ? allow('ssm:GetParameter', [
              parameters.replace('/wechat', '/net/proxy-url'),
              `${parameters}/secrets/*`,
            ])
          : statement,
      ),
    },
  ],
  ['with reader keys', { readUrl: { auth: 'key' } }, { apps: [readParameters] }],
  [
    'behind an HTTP API',
    { readUrl: { frontEnd: 'http-api' } },
    { apps: [readParameters, allow('execute-api:Invoke', [`${api}/GET/*`, `${api}/POST/*`])] },
  ],
  // Its role has the policy of every reader, and nothing beside it.
  ['with another account that reads', { readerAccounts: ['210987654321'] }, {}],
  [
    'behind an HTTP API with reader keys',
    { readUrl: { frontEnd: 'http-api', auth: 'key' } },
    { apps: [readParameters] },
  ],
];

const byActions = (statements: object[] = []) => statements.map((each) => JSON.stringify(each)).sort();
const granted = (resources: Resources) =>
  Object.fromEntries(
    Object.entries(grants(resources)).map(([id, statements]) => [id, byActions(statements)]),
  );
const expectedOf = (expected: Expected) => {
  const all = { ...byDefault, ...expected };
  return {
    RefresherRefreshRoleDefaultPolicy: byActions(all.refresher.map(asPrinted)),
    ReadApiReadRoleDefaultPolicy: byActions(all.reader.map(asPrinted)),
    RefresherScheduleRoleDefaultPolicy: byActions(schedule.map(asPrinted)),
    ReadApiReaderPolicy: byActions(all.apps.map(asPrinted)),
    ReadApiAppReaderPolicy: byActions([readTaggedApp].map(asPrinted)),
  };
};
/** The order of keys in a template. */
const asPrinted = (statement: object) =>
  Object.fromEntries(Object.entries(statement).sort(([a], [b]) => (a < b ? -1 : 1)));

describe('each role can do this and nothing else', () => {
  test.each(modes)('%s', (_what, wechat, expected) => {
    expect(granted(resourcesOf(tokenStack({ wechat })))).toEqual(expectedOf(expected));
  });

  test('with a key of the customer', () => {
    const env = { account: '123456789012', region: 'eu-west-1' };
    const withKey = resourcesOf(tokenStack({ wechat: { kmsKeyArn: KEY }, env }));
    const gained = Object.entries(grants(withKey)).map(([id, statements]) => [
      id,
      statements.filter(({ Resource }) => Resource === KEY),
    ]);
    const viaDynamoDb = { StringLike: { 'kms:ViaService': 'dynamodb.eu-west-1.*' } };
    const under = (root: string) => ({
      StringLike: {
        'kms:EncryptionContext:PARAMETER_ARN': [
          `arn:aws:ssm:eu-west-1:123456789012:parameter/wechat/${root}/*`,
        ],
      },
    });
    expect(Object.fromEntries(gained)).toEqual({
      RefresherRefreshRoleDefaultPolicy: [
        allow(['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey'], KEY, viaDynamoDb),
        allow('kms:Decrypt', KEY, under('secrets')),
        allow(['kms:Encrypt', 'kms:GenerateDataKey'], KEY, under('tokens')),
      ],
      ReadApiReadRoleDefaultPolicy: [allow(['kms:Decrypt', 'kms:DescribeKey'], KEY, viaDynamoDb)],
      RefresherScheduleRoleDefaultPolicy: [],
      ReadApiReaderPolicy: [allow('kms:Decrypt', KEY, under('tokens'))],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: IAM's own variable
      ReadApiAppReaderPolicy: [allow('kms:Decrypt', KEY, under('tokens/${aws:PrincipalTag/wechat-app}'))],
    });
    const without = grants(resourcesOf(tokenStack({ env })));
    const others = Object.entries(grants(withKey)).map(([id, statements]) => [
      id,
      statements.filter(({ Resource }) => Resource !== KEY),
    ]);
    expect(Object.fromEntries(others)).toEqual(without);
  });

  test('in a known region and account, ARNs name it and the prefix', () => {
    const known = tokenStack({
      wechat: { parameterPrefix: '/team/wx' },
      env: { account: '123456789012', region: 'eu-west-1' },
    });
    const arns = JSON.stringify(grants(resourcesOf(known))).match(/arn:[^"]*/g);
    const root = 'arn:aws:ssm:eu-west-1:123456789012:parameter/team/wx';
    expect(arns?.sort()).toEqual(
      [
        'secrets/*',
        // biome-ignore-start lint/suspicious/noTemplateCurlyInString: IAM's own variables
        'tokens/${aws:PrincipalTag/wechat-app}',
        'tokens/${aws:PrincipalTag/wechat-app}/*',
        // biome-ignore-end lint/suspicious/noTemplateCurlyInString: IAM's own variables
        'tokens',
        'tokens/*',
        'tokens/*',
      ]
        .map((name) => `${root}/${name}`)
        .sort(),
    );
  });
});

describe('the policy for the readers of one app', () => {
  const env = { account: '123456789012', region: 'eu-west-1' };
  const policies = grants(resourcesOf(tokenStack({ wechat: { kmsKeyArn: KEY }, env })));
  const root = 'arn:aws:ssm:eu-west-1:123456789012:parameter/wechat';
  const names = [
    'tokens/shop/access-token',
    'tokens/shop/jsapi-ticket',
    'tokens/shop-2/access-token',
    'tokens/mini/access-token',
    'tokens',
    'secrets/shop/app-secret',
  ];
  /** What a reader with this tag gets, decrypted. */
  const readable = (tag: string | undefined) =>
    names.filter((name) => {
      const context = {
        ...(tag !== undefined && { 'aws:PrincipalTag/wechat-app': tag }),
        'kms:EncryptionContext:PARAMETER_ARN': `${root}/${name}`,
      };
      const policy = policies['ReadApiAppReaderPolicy'] ?? [];
      return (
        allows(policy, { action: 'ssm:GetParameter', resource: `${root}/${name}`, context }) &&
        allows(policy, { action: 'kms:Decrypt', resource: KEY, context })
      );
    });

  test.each([
    ['shop', ['tokens/shop/access-token', 'tokens/shop/jsapi-ticket']],
    ['mini', ['tokens/mini/access-token']],
    ['crm', []],
    [undefined, []],
    ['', []],
    ['*', []],
    ['shop*', []],
    ['../secrets/shop', []],
  ])("a reader with the tag '%s' reads %s", (tag, expected) => {
    expect(readable(tag)).toEqual(expected);
  });

  test('the tag also allows all of the app at once, by its path, and no other path', () => {
    const byPath = (path: string) =>
      allows(policies['ReadApiAppReaderPolicy'] ?? [], {
        action: 'ssm:GetParametersByPath',
        resource: `${root}/${path}`,
        context: { 'aws:PrincipalTag/wechat-app': 'shop' },
      });
    expect(['tokens/shop', 'tokens', 'tokens/mini', 'secrets/shop'].map(byPath)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test('is one for any number of apps: a stack has 500 resources at most', () => {
    const apps = Array.from({ length: 600 }, (_, index) => ({
      ...shop,
      name: `app-${index}`,
      appId: `wx${String(index).padStart(16, '0')}`,
    }));
    const many = resourcesOf(tokenStack({ wechat: { apps } }));
    expect(Object.keys(ofType('AWS::IAM::ManagedPolicy', many)).sort()).toEqual([
      'ReadApiAppReaderPolicy',
      'ReadApiReaderPolicy',
    ]);
    expect(Object.keys(many).length).toBeLessThan(500);
  });
});

// A customer's key has other things under it, which are none of our business.
describe('F46: with a key of the customer, each role may use it for its own', () => {
  const env = { account: '123456789012', region: 'eu-west-1' };
  const proxy = { mode: 'proxy', proxyUrlParameter: '/net/proxy-url' };
  const policies = grants(resourcesOf(tokenStack({ wechat: { kmsKeyArn: KEY, egress: proxy }, env })));
  const ofParameter = (name: string) => ({
    'kms:EncryptionContext:PARAMETER_ARN': `arn:aws:ssm:eu-west-1:123456789012:parameter${name}`,
    'kms:ViaService': 'ssm.eu-west-1.amazonaws.com',
  });
  const ofTable = {
    'kms:EncryptionContext:aws:dynamodb:tableName': 'the-table',
    'kms:ViaService': 'dynamodb.eu-west-1.amazonaws.com',
  };
  const uses: [what: string, context: Record<string, string>][] = [
    ['a token', ofParameter('/wechat/tokens/shop/access-token')],
    ['a secret', ofParameter('/wechat/secrets/shop/app-secret')],
    ["the proxy's URL", ofParameter('/net/proxy-url')],
    ["another team's parameter", ofParameter('/payroll/password')],
    ["another deployment's token", ofParameter('/wechat2/tokens/shop/access-token')],
    ['the table', ofTable],
    ["another service's data", { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' }],
    ['anything without a context', {}],
  ];

  test.each([
    ['ReadApiReaderPolicy', 'kms:Decrypt', ['a token']],
    ['ReadApiReaderPolicy', 'kms:Encrypt', []],
    ['ReadApiAppReaderPolicy', 'kms:Encrypt', []],
    ['ReadApiReadRoleDefaultPolicy', 'kms:Decrypt', ['the table']],
    ['ReadApiReadRoleDefaultPolicy', 'kms:Encrypt', []],
    ['RefresherRefreshRoleDefaultPolicy', 'kms:Decrypt', ['a secret', "the proxy's URL", 'the table']],
    ['RefresherRefreshRoleDefaultPolicy', 'kms:Encrypt', ['a token', 'the table']],
    ['RefresherRefreshRoleDefaultPolicy', 'kms:GenerateDataKey', ['a token', 'the table']],
  ])('%s: %s', (policy, action, expected) => {
    const may = uses.filter(([, context]) =>
      allows(policies[policy] ?? [], { action, resource: KEY, context }),
    );
    expect(may.map(([what]) => what)).toEqual(expected);
  });

  test.each([
    ['aws-cn', 'cn-north-1', 'amazonaws.com.cn'],
    ['aws-eusc', 'eusc-de-east-1', 'amazonaws.eu'],
    ['aws-iso', 'us-iso-east-1', 'c2s.ic.gov'],
  ])('in %s the table is decrypted by dynamodb.%s.%s', (partition, region, domain) => {
    const key = `arn:${partition}:kms:${region}:123456789012:key/01234567-89ab-cdef-0123-456789abcdef`;
    const elsewhere = tokenStack({ wechat: { kmsKeyArn: key }, env: { ...env, region } });
    const reader = grants(resourcesOf(elsewhere))['ReadApiReadRoleDefaultPolicy'] ?? [];
    const via = (service: string) => ({ 'kms:ViaService': service });
    const may = [`dynamodb.${region}.${domain}`, `s3.${region}.${domain}`].map((service) =>
      allows(reader, { action: 'kms:Decrypt', resource: key, context: via(service) }),
    );
    expect(may).toEqual([true, false]);
  });
});

describe('no other principal may assume the role', () => {
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
  const readerAccounts = ['210987654321', '000000000001'];
  const roles = {
    RefresherRefreshRole: trust('lambda.amazonaws.com'),
    ReadApiReadRole: trust('lambda.amazonaws.com'),
    RefresherScheduleRole: trust('scheduler.amazonaws.com', {
      StringEquals: { 'aws:SourceAccount': '<AWS::AccountId>' },
    }),
  };

  test.each([
    ['by default', {}, roles],
    ['through a NAT gateway', { egress: { mode: 'nat-gateway' } }, roles],
    ['behind an HTTP API', { readUrl: { frontEnd: 'http-api' } }, roles],
  ])('%s', (_what, wechat, expected) => {
    const found = Object.entries(ofType('AWS::IAM::Role', resourcesOf(tokenStack({ wechat }))));
    expect(Object.fromEntries(found.map(([id, { Properties }]) => [id, Properties]))).toEqual(expected);
  });

  test('but other accounts, where they are named: the role that reads, and that one alone', () => {
    const { Outputs } = Template.fromStack(tokenStack({ wechat: { readerAccounts } })).toJSON();
    const found = ofType('AWS::IAM::Role', resourcesOf(tokenStack({ wechat: { readerAccounts } })));
    const { ReadApiReaderRole: role, ...others } = found;
    expect(Object.keys(others).sort()).toEqual(Object.keys(roles).sort());
    expect(role?.Properties).toEqual({
      Description: 'Assumed by other accounts, to read WeChat tokens and tickets',
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: 'sts:AssumeRole',
            Principal: {
              AWS: [`${inRegion}:iam::000000000001:root`, `${inRegion}:iam::210987654321:root`],
            },
          },
        ],
      },
      ManagedPolicyArns: ['<ReadApiReaderPolicy>'],
    });
    expect(Outputs['ReaderRoleArn']).toEqual({
      Value: { 'Fn::GetAtt': [expect.stringMatching(/^ReadApiReaderRole/), 'Arn'] },
    });
  });

  test('a NAT instance has a role that may do nothing', () => {
    const found = ofType(
      'AWS::IAM::Role',
      resourcesOf(tokenStack({ wechat: { egress: { mode: 'nat-instance' } } })),
    );
    const [[, instance] = [], ...more] = Object.entries(found).filter(([id]) => !(id in roles));
    expect(instance?.Properties['AssumeRolePolicyDocument']).toEqual(
      trust('ec2.amazonaws.com').AssumeRolePolicyDocument,
    );
    expect(instance?.Properties).not.toHaveProperty('ManagedPolicyArns');
    expect(instance?.Properties).not.toHaveProperty('Policies');
    expect(more).toEqual([]);
  });
});

describe('functions', () => {
  const permissions = (wechat: object) =>
    Object.values(ofType('AWS::Lambda::Permission', resourcesOf(tokenStack({ wechat })))).map(
      ({ Properties }) => Properties,
    );
  const FunctionName = '<ReadApiReadFunction.Arn>';

  test('admit no caller by a policy of their own, by default', () => {
    expect(permissions({})).toEqual([]);
  });

  // https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
  test('with reader keys any caller may call, by the two permissions of a public URL since October 2025', () => {
    expect(permissions({ readUrl: { auth: 'key' } })).toEqual([
      { Action: 'lambda:InvokeFunctionUrl', FunctionName, FunctionUrlAuthType: 'NONE', Principal: '*' },
      { Action: 'lambda:InvokeFunction', FunctionName, InvokedViaFunctionUrl: true, Principal: '*' },
    ]);
  });

  test('behind an HTTP API, that API may', () => {
    expect(permissions({ readUrl: { frontEnd: 'http-api' } })).toEqual([
      {
        Action: 'lambda:InvokeFunction',
        FunctionName,
        Principal: 'apigateway.amazonaws.com',
        SourceArn: `${inRegion}:execute-api:<AWS::Region>:<AWS::AccountId>:<ReadApiHttpApi>/*/*`,
      },
    ]);
  });
});

describe('wildcards', () => {
  const idsWith = (wechat: object) =>
    Object.entries(resourcesOf(tokenStack({ wechat })))
      .filter(([, { Properties }]) => JSON.stringify(Properties).includes('"Resource":"*"'))
      .map(([id]) => id);

  test("only a key's own policy says Resource *", () => {
    expect(idsWith({})).toEqual(['Key']);
  });

  test('and what EC2 grants on nothing narrower, in a VPC', () => {
    expect(idsWith({ egress: { mode: 'nat-gateway' } })).toEqual([
      'Key',
      'RefresherRefreshRoleDefaultPolicy',
    ]);
  });

  test('the read function has no action that writes', () => {
    const all = modes.flatMap(
      ([, wechat]) => grants(resourcesOf(tokenStack({ wechat })))['ReadApiReadRoleDefaultPolicy'],
    );
    const actions = new Set(all.flatMap((statement) => statement?.Action ?? []));
    expect([...actions].sort()).toEqual(['dynamodb:BatchGetItem', ...LOG]);
  });
});
