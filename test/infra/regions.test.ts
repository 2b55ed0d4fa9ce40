import { Template } from 'aws-cdk-lib/assertions';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import { describe, expect, test } from 'vitest';
import { consoleHost, hasArm64 } from '../../infra/regions.ts';
import { configOf, resourcesOf, tokenStack } from './synth.ts';
import { ofType, type Statement, theOnly } from './template.ts';

const build = (region: string, wechat: object = {}) =>
  tokenStack({ wechat, env: { account: '123456789012', region } });

describe.each(['me-central-1', 'cn-north-1'])('%s, without function URLs', (region) => {
  const stack = build(region);
  const resources = resourcesOf(stack);

  test('an HTTP API takes their place', () => {
    expect(ofType('AWS::Lambda::Url', resources)).toEqual({});
    expect(theOnly('AWS::ApiGatewayV2::Integration', resources).Properties).toMatchObject({
      IntegrationType: 'AWS_PROXY',
      IntegrationUri: '<ReadApiReadFunction.Arn>',
      // The events of function URLs.
      PayloadFormatVersion: '2.0',
    });
  });

  test('every path asks for a signature', () => {
    expect(theOnly('AWS::ApiGatewayV2::Route', resources).Properties).toMatchObject({
      RouteKey: '$default',
      AuthorizationType: 'AWS_IAM',
    });
  });

  test('ReadUrl ends with a slash, as that of a function URL does', () => {
    expect(JSON.stringify(Template.fromStack(stack).toJSON()['Outputs'].ReadUrl.Value)).toMatch(
      /ApiEndpoint.*"\/"/,
    );
  });

  test('its access log holds paths and no queries, which may hold keys', () => {
    const { Format } = theOnly('AWS::ApiGatewayV2::Stage', resources).Properties['AccessLogSettings'] as {
      Format: string;
    };
    expect(Object.keys(JSON.parse(Format)).sort()).toEqual([
      'caller',
      'error',
      'latencyMs',
      'method',
      'path',
      'requestId',
      'requestTime',
      'sourceIp',
      'status',
    ]);
    expect(Format).not.toMatch(/query|authorization/i);
  });
});

describe('aws-cn', () => {
  const stack = build('cn-north-1', { egress: { mode: 'nat-gateway' } });
  const resources = resourcesOf(stack);
  const text = JSON.stringify(Template.fromStack(stack).toJSON());

  test('has ARNs, the URL suffix and the console of its own', () => {
    expect(text).toContain('arn:aws-cn:ssm:cn-north-1:123456789012:parameter/wechat/');
    expect(text).not.toMatch(/arn:aws:/);
    expect(text).not.toMatch(/console\.aws\.amazon\.com/);
    expect(Template.fromStack(stack).toJSON()['Outputs'].DashboardUrl.Value['Fn::Join'][1][0]).toBe(
      'https://cn-north-1.console.amazonaws.cn/cloudwatch/home?region=cn-north-1#dashboards/dashboard/',
    );
  });

  test('has nothing that is missing there', () => {
    expect(text).not.toMatch(/TracingConfig|AsyncEvent|AWS::Lambda::Url/);
    for (const { Properties } of Object.values(ofType('AWS::Lambda::Function', resources))) {
      expect(Properties['Architectures']).toEqual(['x86_64']);
    }
  });
});

test('elsewhere the console is that of the world', () => {
  const { Value } = Template.fromStack(build('eu-west-1')).toJSON()['Outputs'].DashboardUrl;
  expect(Value['Fn::Join'][1][0]).toBe(
    'https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/',
  );
});

/** CloudFormation has no `AWS::Lambda::Url` there, so synth failed. */
describe.each([
  'ap-east-2',
  'ap-southeast-5',
  'ap-southeast-6',
  'ap-southeast-7',
  'mx-central-1',
  'us-gov-east-1',
  'us-gov-west-1',
])('F48: %s', (region) => {
  test('CDK refuses a function URL', () => {
    expect(() => Template.fromStack(build(region, { readUrl: { frontEnd: 'function-url' } }))).toThrow(
      `Resource type 'AWS::Lambda::Url' does not exist in '${region}'`,
    );
  });

  test('the stack synthesizes, with an HTTP API', () => {
    expect(Object.keys(ofType('AWS::ApiGatewayV2::Api', resourcesOf(build(region))))).toHaveLength(1);
  });
});

describe('by the data that CDK brings', () => {
  const regionsWhere = (holds: (region: string) => boolean) =>
    RegionInfo.regions.map(({ name }) => name).filter(holds);

  // With a new version of CDK a region may leave this list: then a deployed read URL changes there, and CHANGELOG.md says so.
  test('these regions have no function URLs', () => {
    expect(regionsWhere((region) => configOf({}, region).frontEnd === 'http-api')).toEqual([
      'ap-east-2',
      'ap-south-2',
      'ap-southeast-4',
      'ap-southeast-5',
      'ap-southeast-6',
      'ap-southeast-7',
      'ca-west-1',
      'cn-north-1',
      'cn-northwest-1',
      'eu-central-2',
      'eu-south-2',
      'il-central-1',
      'me-central-1',
      'mx-central-1',
      'us-gov-east-1',
      'us-gov-west-1',
    ]);
  });

  test.each(['cn-north-1', 'eu-south-2'])(
    '%s is an exception of ours: CDK accepts the type there',
    (region) => {
      const resources = resourcesOf(build(region, { readUrl: { frontEnd: 'function-url' } }));
      expect(Object.keys(ofType('AWS::Lambda::Url', resources))).toHaveLength(1);
    },
  );

  test('functions run on x86 where arm64 is not known to exist', () => {
    expect(regionsWhere((region) => !hasArm64(region))).toEqual([
      'ap-east-2',
      'ap-southeast-5',
      'ap-southeast-6',
      'ap-southeast-7',
      'cn-north-1',
      'cn-northwest-1',
      'eu-isoe-west-1',
      'eusc-de-east-1',
      'me-west-1',
      'mx-central-1',
      'us-iso-east-1',
      'us-iso-west-1',
      'us-isob-east-1',
      'us-isob-west-1',
      'us-isof-east-1',
      'us-isof-south-1',
    ]);
  });

  test.each([
    ['ap-southeast-5', 'x86_64'],
    ['us-gov-west-1', 'arm64'],
    [undefined, 'arm64'],
  ])('in %s functions run on %s', (region, architecture) => {
    const resources = resourcesOf(region === undefined ? tokenStack() : build(region));
    for (const { Properties } of Object.values(ofType('AWS::Lambda::Function', resources))) {
      expect(Properties['Architectures']).toEqual([architecture]);
    }
  });

  test.each([
    ['eu-west-1', 'logs.eu-west-1.amazonaws.com'],
    ['us-gov-west-1', 'logs.us-gov-west-1.amazonaws.com'],
    ['cn-northwest-1', 'logs.cn-northwest-1.amazonaws.com.cn'],
    ['eusc-de-east-1', 'logs.eusc-de-east-1.amazonaws.eu'],
    ['us-iso-east-1', 'logs.us-iso-east-1.c2s.ic.gov'],
  ])('the key in %s admits %s', (region, principal) => {
    const key = theOnly('AWS::KMS::Key', resourcesOf(build(region)));
    const { Statement } = key.Properties['KeyPolicy'] as { Statement: Statement[] };
    expect(Statement.map(({ Principal }) => (Principal as { Service?: string }).Service)).toEqual([
      undefined,
      'cloudwatch.amazonaws.com',
      principal,
    ]);
  });

  test.each([
    ['eu-west-1', 'eu-west-1.console.aws.amazon.com'],
    ['cn-north-1', 'cn-north-1.console.amazonaws.cn'],
    ['us-gov-west-1', 'us-gov-west-1.console.amazonaws-us-gov.com'],
    ['eusc-de-east-1', 'eusc-de-east-1.console.amazonaws-eusc.eu'],
    ['us-iso-east-1', 'us-iso-east-1.console.c2shome.ic.gov'],
    ['xx-new-1', 'xx-new-1.console.aws.amazon.com'],
  ])('the console of %s is %s', (region, host) => {
    expect(consoleHost(region)).toBe(host);
  });
});
