import { Duration, Stack } from 'aws-cdk-lib';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { acknowledgeWildcard } from '../acknowledge.ts';
import type { Config } from '../config.ts';
import { BundledFunction } from './bundled-function.ts';
import type { CredentialTable } from './credential-table.ts';
import type { FrontEnd } from './front-end.ts';
import { functionUrl } from './function-url.ts';
import { ReadHttpApi } from './http-api.ts';

type ReadApiProps = {
  readonly config: Config;
  readonly table: CredentialTable;
  readonly logKey: IKey;
  /** The user's own, for the table and the parameters. */
  readonly customerKey: IKey | undefined;
};

/** The read-only URL, and the policy that lets an app read: by the URL or from SSM. */
export class ReadApi extends Construct {
  readonly function: BundledFunction;
  readonly frontEnd: FrontEnd;
  readonly readerPolicyArn: string;

  constructor(scope: Construct, id: string, { config, table, logKey, customerKey }: ReadApiProps) {
    super(scope, id);
    const { deployment } = config;
    this.function = new BundledFunction(this, 'Read', {
      entry: 'read',
      description: 'Serves WeChat credentials; can read and nothing else',
      deployment,
      timeout: Duration.seconds(10),
      // Lambda gives CPU by memory, and this function is on the user's latency path.
      memoryMb: 512,
      logKey,
    });
    table.grantRead(this.function);
    if (customerKey) {
      const ofTheTable = { actions: ['kms:Decrypt', 'kms:DescribeKey'], resources: [customerKey.keyArn] };
      this.function.role.addToPolicy(new PolicyStatement(ofTheTable));
    }
    const { lambda } = this.function;
    const auth = deployment.readAuth;
    this.frontEnd =
      config.frontEnd === 'http-api'
        ? new ReadHttpApi(this, 'HttpApi', { lambda, auth, logKey })
        : functionUrl(lambda, auth);
    this.readerPolicyArn = this.#readerPolicy(deployment.parameterPrefix, customerKey);
  }

  #readerPolicy(prefix: string, customerKey: IKey | undefined): string {
    const tokens = (name: string) =>
      Stack.of(this).formatArn({
        service: 'ssm',
        resource: 'parameter',
        resourceName: `${prefix.slice(1)}/${name}`,
      });
    const { invokeStatements } = this.frontEnd;
    const policy = new ManagedPolicy(this, 'ReaderPolicy', {
      description: 'Read WeChat tokens and tickets from SSM and from the read URL',
      statements: [
        new PolicyStatement({
          actions: ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParametersByPath'],
          resources: [tokens('tokens'), tokens('tokens/*')],
        }),
        ...(customerKey
          ? [new PolicyStatement({ actions: ['kms:Decrypt'], resources: [customerKey.keyArn] })]
          : []),
        ...invokeStatements,
      ],
    });
    acknowledgeWildcard(
      policy,
      tokens('tokens/*'),
      'A reader may read every token of the deployment; secrets are under another root.',
    );
    const paths = invokeStatements.flatMap(({ resources }) => resources).filter((arn) => arn.endsWith('/*'));
    for (const arn of paths)
      acknowledgeWildcard(policy, arn, 'Every path of this one API, which only reads.');
    return policy.managedPolicyArn;
  }
}
