import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type Conditions, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture, LoggingFormat, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogLevel, NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { DEPLOYMENT_FILE, type Deployment, type EnvironmentName } from '../../functions/deployment.ts';
import { hasArm64 } from '../regions.ts';
import { FixedIpEgress } from './egress.ts';

export interface BundledFunctionProps {
  /** File name in `functions/`, without its extension. */
  readonly entry: 'refresh' | 'read';
  readonly description: string;
  /** Written to a file beside the bundle. */
  readonly deployment: Deployment;
  readonly timeout: Duration;
  readonly memoryMb: number;
  /** Encrypts its logs. */
  readonly logKey: IKey;
  /** The VPC that it leaves by. @default no VPC */
  readonly egress?: FixedIpEgress | undefined;
}

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * One of our functions: Node 24, bundled with its SDK, with a log group and a role of its own. The role can
 * write that log group and nothing else; the construct that owns a resource grants what the function may do with it.
 */
export class BundledFunction extends Construct {
  readonly lambda: NodejsFunction;
  readonly role: Role;
  readonly logGroupName: string;

  constructor(scope: Construct, id: string, props: BundledFunctionProps) {
    super(scope, id);
    const logGroup = new LogGroup(this, 'Logs', {
      encryptionKey: props.logKey,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // By hand: the managed AWSLambdaBasicExecutionRole reaches every log group of the account.
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.allow(['logs:CreateLogStream', 'logs:PutLogEvents'], logGroup.logGroupArn);
    this.logGroupName = logGroup.logGroupName;
    if (props.egress) FixedIpEgress.allowVpcAttachment(this.role);
    const staged = mkdtempSync(join(tmpdir(), 'wechat-token-refresher-'));
    writeFileSync(join(staged, DEPLOYMENT_FILE), JSON.stringify(props.deployment));
    this.lambda = new NodejsFunction(this, 'Function', {
      entry: join(PROJECT, 'functions', `${props.entry}.ts`),
      projectRoot: PROJECT,
      depsLockFilePath: join(PROJECT, 'package-lock.json'),
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      // It costs less.
      architecture: hasArm64(Stack.of(this).region) ? Architecture.ARM_64 : Architecture.X86_64,
      memorySize: props.memoryMb,
      timeout: props.timeout,
      role: this.role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      ...(props.egress && { vpc: props.egress.vpc, securityGroups: [props.egress.securityGroup] }),
      bundling: bundling(staged),
    });
    // NodejsFunction has made the bundle by now.
    rmSync(staged, { recursive: true });
  }

  /** Grants the function's role these actions on this one resource and nothing else. */
  allow(actions: string[], resource: string, conditions: Conditions = {}): void {
    this.role.addToPolicy(new PolicyStatement({ actions, resources: [resource], conditions }));
  }

  setEnvironment(name: EnvironmentName, value: string): void {
    this.lambda.addEnvironment(name, value);
  }
}

/**
 * ESM with the SDK bundled and the modules' own ESM builds preferred: what is not in the bundle is not loaded at a cold
 * start. The banner is for CommonJS dependencies, which esbuild leaves calling `require`.
 */
export function bundling(staged: string) {
  return {
    format: OutputFormat.ESM,
    target: 'node24',
    minify: true,
    logLevel: LogLevel.WARNING,
    mainFields: ['module', 'main'],
    externalModules: [],
    esbuildArgs: {
      '--alias:@aws-sdk/credential-provider-node': join(PROJECT, 'functions/aws/environment-credentials.ts'),
    },
    banner: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
    commandHooks: {
      beforeBundling: () => [],
      beforeInstall: () => [],
      // Node copies the file, so that it works in every shell that CDK may find.
      afterBundling: (_inputDir: string, outputDir: string) => [
        `node -e "require('node:fs').copyFileSync(process.argv[1],process.argv[2])" "${join(staged, DEPLOYMENT_FILE)}" "${join(outputDir, DEPLOYMENT_FILE)}"`,
      ],
    },
  };
}
