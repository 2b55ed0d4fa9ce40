import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, test } from 'vitest';
import { tokenStack } from './synth.ts';

const ssm = (path: string) =>
  `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/wechat/${path}]`;

/** Every finding we live with: exact, so that a new wildcard is a new finding. */
const accepted = [
  {
    at: 'Refresher/Refresh/Role',
    id: ssm('secrets/*'),
    reason: 'One secret an app, written by ops after the deployment; the root holds nothing else.',
  },
  {
    at: 'Refresher/Refresh/Role',
    id: ssm('tokens/*'),
    reason: 'One parameter a credential; the refresher is the only writer of this root.',
  },
  {
    at: 'ReadApi/ReaderPolicy',
    id: ssm('tokens/*'),
    reason: 'A reader may read every token of the deployment; secrets are under another root.',
  },
  {
    at: 'Refresher/Failures',
    id: 'AwsSolutions-SQS3',
    reason: 'It is itself the last stop of failed and undelivered ticks, which nobody consumes.',
  },
];

function findings(acknowledged: typeof accepted): string[] {
  const stack = tokenStack();
  for (const { at, id, reason } of acknowledged) {
    const construct = at
      .split('/')
      .reduce((node, name) => node.node.findChild(name), stack as never as typeof stack.node.root);
    Validations.of(construct).acknowledge({ id, reason });
  }
  const report = new AwsSolutionsChecks(stack).validateScope(stack);
  return report.violations.map(({ ruleName }) => ruleName);
}

describe('cdk-nag, AwsSolutions', () => {
  test('finds nothing but what is accepted with a reason', () => {
    expect(findings(accepted)).toEqual([]);
  });

  test('every acceptance is still needed', () => {
    expect(new Set(findings([]))).toEqual(new Set(accepted.map(({ id }) => id)));
  });
});
