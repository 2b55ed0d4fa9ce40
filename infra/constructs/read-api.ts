import { Duration, Stack } from 'aws-cdk-lib';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { acknowledgeWildcard } from '../acknowledge.ts';
import type { Config } from '../config.ts';
import { BundledFunction } from './bundled-function.ts';
import type { CredentialTable } from './credential-table.ts';

/** The read-only URL, and the policy that lets an app read: by the URL or from SSM. */
export class ReadApi extends Construct {
  readonly function: BundledFunction;
  readonly url: string;
  readonly readerPolicyArn: string;

  constructor(scope: Construct, id: string, props: { config: Config; table: CredentialTable }) {
    super(scope, id);
    const { deployment } = props.config;
    this.function = new BundledFunction(this, 'Read', {
      entry: 'read',
      description: 'Serves WeChat credentials; can read and nothing else',
      deployment,
      timeout: Duration.seconds(10),
      // Lambda gives CPU by memory, and this function is on the user's latency path.
      memoryMb: 512,
    });
    props.table.letRead(this.function);
    // With reader keys the function itself lets callers in, for SDKs cannot sign.
    const byKey = deployment.readAuth === 'key';
    const authType = byKey ? FunctionUrlAuthType.NONE : FunctionUrlAuthType.AWS_IAM;
    this.url = this.function.lambda.addFunctionUrl({ authType }).url;
    const policy = this.#readerPolicy(deployment.parameterPrefix);
    if (!byKey) policy.addStatements(...this.#mayCallUrl());
    this.readerPolicyArn = policy.managedPolicyArn;
  }

  #readerPolicy(prefix: string): ManagedPolicy {
    const tokens = (name: string) =>
      Stack.of(this).formatArn({
        service: 'ssm',
        resource: 'parameter',
        resourceName: `${prefix.slice(1)}/${name}`,
      });
    const policy = new ManagedPolicy(this, 'ReaderPolicy', {
      description: 'Read WeChat tokens and tickets from SSM and from the read URL',
      statements: [
        new PolicyStatement({
          actions: ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParametersByPath'],
          resources: [tokens('tokens'), tokens('tokens/*')],
        }),
      ],
    });
    acknowledgeWildcard(
      policy,
      tokens('tokens/*'),
      'A reader may read every token of the deployment; secrets are under another root.',
    );
    return policy;
  }

  /**
   * For callers of this account their own policy decides. A Function URL needs two permissions since October 2025:
   * https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
   */
  #mayCallUrl(): PolicyStatement[] {
    const { functionArn } = this.function.lambda;
    return [
      new PolicyStatement({
        actions: ['lambda:InvokeFunctionUrl'],
        resources: [functionArn],
        conditions: { StringEquals: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' } },
      }),
      new PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: [functionArn],
        conditions: { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } },
      }),
    ];
  }
}
