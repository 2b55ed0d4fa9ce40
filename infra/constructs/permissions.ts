import { Stack, Validations } from 'aws-cdk-lib';
import type { Conditions } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/**
 * What the constructs share when they write IAM statements by hand: CDK's own grants give more than we need. cdk-nag
 * (test/infra/cdk-nag.test.ts) checks every statement, and what it may find is accepted here, each time with the reason.
 */

/** @param name of the parameter, or a pattern: `/wechat/tokens/*` */
export function parameterArn(scope: IConstruct, name: string): string {
  return Stack.of(scope).formatArn({ service: 'ssm', resource: 'parameter', resourceName: name.slice(1) });
}

/**
 * Binds a grant on a KMS key to the values of these SecureStrings: SSM encrypts each with the ARN of its parameter as
 * context. https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
 *
 * @param arns of parameters, or patterns
 */
export function onlyForParameters(...arns: readonly string[]): Conditions {
  return { StringLike: { 'kms:EncryptionContext:PARAMETER_ARN': arns } };
}

/**
 * Binds a grant on a KMS key to what DynamoDB does in the name of the caller. By the service and not by the table's context,
 * which DescribeKey has not. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
 */
export function onlyViaDynamoDb(scope: IConstruct): Conditions {
  // Each partition has its own domain.
  return { StringLike: { 'kms:ViaService': `dynamodb.${Stack.of(scope).region}.*` } };
}

/** Accepts one wildcard ARN in a policy of `construct`. */
export function acknowledgeWildcard(construct: IConstruct, arn: string, reason: string): void {
  acknowledge(
    construct,
    `AwsSolutions-IAM5[Resource::${asPrinted(Stack.of(construct).resolve(arn))}]`,
    reason,
  );
}

/** @param id of a finding of cdk-nag */
export function acknowledge(construct: IConstruct, id: string, reason: string): void {
  Validations.of(construct).acknowledge({ id, reason });
}

/** cdk-nag names a finding by its ARN with references, and IAM's variables, as `<AWS::Region>`. */
function asPrinted(arn: string | { 'Fn::Join': [string, (string | { Ref: string })[]] }): string {
  const [separator, parts] = typeof arn === 'string' ? ['', [arn]] : arn['Fn::Join'];
  return parts
    .map((part) => (typeof part === 'string' ? part.replaceAll(/\$\{([^}]+)\}/g, '<$1>') : `<${part.Ref}>`))
    .join(separator);
}
