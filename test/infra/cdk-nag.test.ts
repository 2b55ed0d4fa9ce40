import { App, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { tokenStack } from './synth.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

function findings(stack: Stack): string[] {
  const { violations } = new AwsSolutionsChecks(stack).validateScope(stack);
  return violations.map(({ ruleName }) => ruleName).sort();
}

describe('cdk-nag, AwsSolutions', () => {
  const egresses = [
    { mode: 'direct' },
    { mode: 'nat-gateway' },
    { mode: 'nat-instance' },
    { mode: 'proxy', proxyUrlParameter: '/net/proxy-url' },
  ];
  const regions = [undefined, 'us-east-1', 'ap-east-1', 'me-central-1', 'cn-north-1'];
  const everywhere = regions.flatMap((region) =>
    egresses.map((egress) => [region, egress.mode, egress] as const),
  );

  test.each(everywhere)(
    'finds nothing but what infra/ accepts with a reason: %s, %s',
    (region, _mode, egress) => {
      const env = region ? { account: '123456789012', region } : {};
      expect(findings(tokenStack({ wechat: { egress }, env }))).toEqual([]);
    },
  );

  test.each([
    ['reader keys', { readUrl: { auth: 'key' } }, 'eu-west-1'],
    ['reader keys behind an HTTP API', { readUrl: { auth: 'key' } }, 'me-central-1'],
    ['a key of the customer', { kmsKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/0123' }, 'eu-west-1'],
    ['an account that reads', { readerAccounts: ['210987654321'] }, 'eu-west-1'],
  ])('nor with %s', (_what, wechat, region) => {
    expect(findings(tokenStack({ wechat, env: { account: '123456789012', region } }))).toEqual([]);
  });

  test.each([
    ['by default', {}],
    ['in a VPC with a NAT gateway', { egress: { mode: 'nat-gateway' } }],
    ['in a VPC with a NAT instance', { egress: { mode: 'nat-instance' } }],
    ['behind an HTTP API', { readUrl: { frontEnd: 'http-api' } }],
    ['behind an HTTP API with reader keys', { readUrl: { frontEnd: 'http-api', auth: 'key' } }],
  ])('every acceptance is still needed, %s', (_what, wechat) => {
    const acknowledge = vi.spyOn(Validations.prototype, 'acknowledge').mockReturnValue();
    const found = findings(tokenStack({ wechat }));
    const accepted = acknowledge.mock.calls.flat().map(({ id }) => id);
    const byNag = accepted.filter((id) => id.startsWith('AwsSolutions-'));
    expect(byNag).not.toHaveLength(0);
    expect([...new Set(found)]).toEqual([...new Set(byNag)].sort());
  });

  test('a role that may do too much is found', () => {
    const stack = new Stack(new App(), 'TooMuch');
    const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    role.addToPolicy(new PolicyStatement({ actions: ['dynamodb:*'], resources: ['*'] }));
    expect(findings(stack)).toEqual([
      'AwsSolutions-IAM5[Action::dynamodb:*]',
      'AwsSolutions-IAM5[Resource::*]',
    ]);
  });
});
