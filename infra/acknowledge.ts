import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Accepts one wildcard ARN in a policy of `construct`, and says why, to cdk-nag (test/infra/cdk-nag.test.ts). */
export function acknowledgeWildcard(construct: IConstruct, arn: string, reason: string): void {
  const id = `AwsSolutions-IAM5[Resource::${asPrinted(Stack.of(construct).resolve(arn))}]`;
  Validations.of(construct).acknowledge({ id, reason });
}

/** cdk-nag names a finding by its ARN with references as `<AWS::Region>`. */
function asPrinted(arn: string | { 'Fn::Join': [string, (string | { Ref: string })[]] }): string {
  if (typeof arn === 'string') return arn;
  const [separator, parts] = arn['Fn::Join'];
  return parts.map((part) => (typeof part === 'string' ? part : `<${part.Ref}>`)).join(separator);
}
