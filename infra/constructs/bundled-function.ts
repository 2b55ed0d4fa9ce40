import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture, LoggingFormat, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogLevel, NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Deployment } from '../../functions/core/credential.ts';
import { isInChina } from '../regions.ts';
import { FixedIpEgress } from './egress.ts';

export type BundledFunctionProps = {
  /** File name in `functions/`, without its ending. */
  readonly entry: 'refresh' | 'read';
  readonly description: string;
  readonly deployment: Deployment;
  readonly timeout: Duration;
  readonly memoryMb: number;
  /** Encrypts its logs. */
  readonly logKey: IKey;
  readonly environment?: Record<string, string>;
  /** Undefined: in no VPC. */
  readonly egress?: FixedIpEgress | undefined;
};

/** Read by functions/aws/deployment-file.ts. */
const DEPLOYMENT_FILE = 'deployment.json';
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * One of our functions: Node 24, bundled with its SDK, with a log group and a role of its own. The role can
 * write that log group and nothing else; whoever owns a resource adds what the function may do with it.
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
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    );
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
      // The cheaper one; of the regions in China only x86 is certain.
      architecture: isInChina(Stack.of(this).region) ? Architecture.X86_64 : Architecture.ARM_64,
      memorySize: props.memoryMb,
      timeout: props.timeout,
      role: this.role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      ...(props.environment && { environment: props.environment }),
      ...(props.egress && { vpc: props.egress.vpc, securityGroups: [props.egress.securityGroup] }),
      bundling: bundling(staged),
    });
    // The bundle is made when the constructor returns.
    rmSync(staged, { recursive: true });
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
