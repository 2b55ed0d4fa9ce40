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
  test.each([
    ['in any account and region', {}],
    ['in a known account and region', { account: '123456789012', region: 'eu-west-1' }],
  ])('finds nothing but what infra/ accepts with a reason, %s', (_where, env) => {
    expect(findings(tokenStack({ env }))).toEqual([]);
  });

  test.each([
    ['reader keys', { readUrl: { auth: 'key' } }],
    ['a proxy', { egress: { mode: 'proxy', proxyUrlParameter: '/net/proxy-url' } }],
  ])('nor with %s', (_what, wechat) => {
    expect(findings(tokenStack({ wechat }))).toEqual([]);
  });

  test('every acceptance is still needed', () => {
    const acknowledge = vi.spyOn(Validations.prototype, 'acknowledge').mockReturnValue();
    const found = findings(tokenStack());
    const accepted = acknowledge.mock.calls.flat().map(({ id }) => id);
    expect(accepted).not.toHaveLength(0);
    expect(found).toEqual([...new Set(accepted)].sort());
  });

  test('a careless role is found', () => {
    const stack = new Stack(new App(), 'Careless');
    const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    role.addToPolicy(new PolicyStatement({ actions: ['dynamodb:*'], resources: ['*'] }));
    expect(findings(stack)).toEqual([
      'AwsSolutions-IAM5[Action::dynamodb:*]',
      'AwsSolutions-IAM5[Resource::*]',
    ]);
  });
});
