import { Duration } from 'aws-cdk-lib';
import {
  AccountPrincipal,
  CompositePrincipal,
  ManagedPolicy,
  PolicyStatement,
  Role,
} from 'aws-cdk-lib/aws-iam';
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
  /** Accounts that may read, by a role that they assume. @default no other account */
  readonly readerAccounts?: readonly string[] | undefined;
}

/** The tag of an app's role or user by which the policy for one app knows the app. */
const APP_TAG = 'wechat-app';

/** The read-only URL, and what lets apps read, by the URL or from SSM: the policies, and a role for other accounts. */
export class ReadApi extends Construct {
  readonly function: BundledFunction;
  readonly frontEnd: FrontEnd;
  /** Of the policy to read every app's tokens. */
  readonly readerPolicyArn: string;
  /** Of the policy to read one app's tokens: that of the app which the reader's tag `wechat-app` names. */
  readonly appReaderPolicyArn: string;
  /** Of the role that `readerAccounts` may assume. */
  readonly readerRoleArn: string | undefined;

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
    const root = tokenRoot(deployment.parameterPrefix);
    const policy = this.#readerPolicy(root, customerKey);
    this.readerPolicyArn = policy.managedPolicyArn;
    this.appReaderPolicyArn = this.#appReaderPolicy(root, customerKey).managedPolicyArn;
    if (props.readerAccounts) this.readerRoleArn = this.#readerRole(props.readerAccounts, policy).roleArn;
  }

  #readerPolicy(root: string, customerKey: IKey | undefined): ManagedPolicy {
    const { invokeStatements } = this.frontEnd;
    const policy = new ManagedPolicy(this, 'ReaderPolicy', {
      description: 'Read WeChat tokens and tickets from SSM and from the read URL',
      statements: [...this.#parameterStatements(root, customerKey), ...invokeStatements],
    });
    acknowledgeWildcard(
      policy,
      parameterArn(this, `${root}/*`),
      'A reader may read every token of the deployment; secrets are under another root.',
    );
    const routes = invokeStatements.flatMap(({ resources }) => resources).filter((arn) => arn.endsWith('/*'));
    for (const arn of routes)
      acknowledgeWildcard(policy, arn, 'Every path of this one API, which only reads.');
    return policy;
  }

  /**
   * One policy for any number of apps: IAM puts the reader's own tag into its ARNs, and without that tag they match nothing. A
   * policy an app would end at the 500 resources of a stack. Parameters only: a Function URL is invoked whole, and which paths an HTTP
   * API serves as the same route is its own affair.
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
   */
  #appReaderPolicy(root: string, customerKey: IKey | undefined): ManagedPolicy {
    const ofTaggedApp = `${root}/\${aws:PrincipalTag/${APP_TAG}}`;
    const policy = new ManagedPolicy(this, 'AppReaderPolicy', {
      description: `Read the WeChat tokens and tickets of one app from SSM: the app that the role's tag ${APP_TAG} names`,
      statements: this.#parameterStatements(ofTaggedApp, customerKey),
    });
    acknowledgeWildcard(
      policy,
      parameterArn(this, `${ofTaggedApp}/*`),
      'One parameter a credential of the one app that the tag names.',
    );
    return policy;
  }

  /** @param path of parameters that are read: each of them alone, or all at once by the path */
  #parameterStatements(path: string, customerKey: IKey | undefined): PolicyStatement[] {
    const below = parameterArn(this, `${path}/*`);
    const read = new PolicyStatement({
      actions: ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParametersByPath'],
      resources: [parameterArn(this, path), below],
    });
    if (!customerKey) return [read];
    const decrypt = new PolicyStatement({
      actions: ['kms:Decrypt'],
      resources: [customerKey.keyArn],
      conditions: onlyForParameters(below),
    });
    return [read, decrypt];
  }

  /**
   * Without `sts:ExternalId`: that is for a third party that assumes roles on behalf of many customers and could be tricked into ours.
   * These accounts are named one by one and read for themselves, and each decides by its own policies who of them may.
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
   */
  #readerRole(accounts: readonly string[], policy: ManagedPolicy): Role {
    return new Role(this, 'ReaderRole', {
      description: 'Assumed by other accounts, to read WeChat tokens and tickets',
      assumedBy: new CompositePrincipal(...accounts.map((account) => new AccountPrincipal(account))),
      managedPolicies: [policy],
    });
  }
}
