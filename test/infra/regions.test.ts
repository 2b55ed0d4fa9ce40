import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { resourcesOf, tokenStack } from './synth.ts';
import { ofType, theOnly } from './template.ts';

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
