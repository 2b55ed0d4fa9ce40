import { Duration } from 'aws-cdk-lib';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { type Deployment, tokenRoot } from '../../functions/deployment.ts';
import type { FrontEndKind } from '../config-schema.ts';
import { BundledFunction } from './bundled-function.ts';
import type { CredentialTable } from './credential-table.ts';
import { type FrontEnd, frontEnd } from './front-end.ts';
import { acknowledgeWildcard, onlyForParameters, parameterArn } from './permissions.ts';

export interface ReadApiProps {
  readonly deployment: Deployment;
  readonly frontEnd: FrontEndKind;
  readonly table: CredentialTable;
  /** Encrypts logs. */
  readonly logKey: IKey;
  /** The customer's own, for the table and the parameters. @default AWS's keys */
  readonly customerKey?: IKey | undefined;
}

/** The read-only URL, and the policy that lets an app read: by the URL or from SSM. */
export class ReadApi extends Construct {
  readonly function: BundledFunction;
  readonly frontEnd: FrontEnd;
  readonly readerPolicyArn: string;

  constructor(scope: Construct, id: string, props: ReadApiProps) {
    super(scope, id);
    const { deployment, table, logKey, customerKey } = props;
    this.function = new BundledFunction(this, 'Read', {
      entry: 'read',
      description: 'Serves WeChat credentials, read-only',
      deployment,
      timeout: Duration.seconds(10),
      // Lambda gives CPU by memory, and this function is on the user's latency path.
      memoryMb: 512,
      logKey,
    });
    table.grantRead(this.function);
    this.frontEnd = frontEnd(this, {
      kind: props.frontEnd,
      lambda: this.function.lambda,
      auth: deployment.readUrl.auth,
      logKey,
    });
    this.readerPolicyArn = this.#readerPolicy(tokenRoot(deployment.parameterPrefix), customerKey);
  }

  #readerPolicy(root: string, customerKey: IKey | undefined): string {
    const everyToken = parameterArn(this, `${root}/*`);
    const { invokeStatements } = this.frontEnd;
    const policy = new ManagedPolicy(this, 'ReaderPolicy', {
      description: 'Read WeChat tokens and tickets from SSM and from the read URL',
      statements: [
        new PolicyStatement({
          actions: ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParametersByPath'],
          resources: [parameterArn(this, root), everyToken],
        }),
        ...(customerKey
          ? [
              new PolicyStatement({
                actions: ['kms:Decrypt'],
                resources: [customerKey.keyArn],
                conditions: onlyForParameters(everyToken),
              }),
            ]
          : []),
        ...invokeStatements,
      ],
    });
    acknowledgeWildcard(
      policy,
      everyToken,
      'A reader may read every token of the deployment; secrets are under another root.',
    );
    const routes = invokeStatements.flatMap(({ resources }) => resources).filter((arn) => arn.endsWith('/*'));
    for (const arn of routes)
      acknowledgeWildcard(policy, arn, 'Every path of this one API, which only reads.');
    return policy.managedPolicyArn;
  }
}
