import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnEventInvokeConfig } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { timingOf } from '../../functions/core/rules/timing.ts';
import {
  type Deployment,
  PARAMETER_KEY_ID,
  POWERTOOLS_SERVICE_NAME,
  PROXY_URL_PARAMETER,
  secretRoot,
  TICK_EVENT,
  tokenRoot,
} from '../../functions/deployment.ts';
import { BundledFunction } from './bundled-function.ts';
import type { CredentialTable } from './credential-table.ts';
import type { FixedIpEgress } from './egress.ts';
import { acknowledge, acknowledgeWildcard, onlyForParameters, parameterArn } from './permissions.ts';

export interface RefresherProps {
  readonly deployment: Deployment;
  readonly table: CredentialTable;
  /** Encrypts logs. */
  readonly logKey: IKey;
  /** The customer's own, for the table and the parameters. @default AWS's keys */
  readonly customerKey?: IKey | undefined;
  /** The VPC that the function leaves by. @default no VPC */
  readonly egress?: FixedIpEgress | undefined;
  /** The SSM parameter that holds the proxy's URL. @default no proxy */
  readonly proxyUrlParameter?: string | undefined;
}

/** The function that renews, the schedule that ticks it, and the queue of events that were not delivered or crashed. */
export class Refresher extends Construct {
  readonly function: BundledFunction;
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, props: RefresherProps) {
    super(scope, id);
    const { deployment } = props;
    this.function = new BundledFunction(this, 'Refresh', {
      entry: 'refresh',
      description: 'Renews every WeChat credential that is due',
      deployment,
      timeout: Duration.millis(timingOf(deployment.tickMinutes * 60_000).timeoutMs),
      memoryMb: 256,
      logKey: props.logKey,
      egress: props.egress,
    });
    this.function.setEnvironment(POWERTOOLS_SERVICE_NAME, Stack.of(this).stackName);
    props.table.grantReadWrite(this.function);
    this.#grantParameters(props);
    this.deadLetterQueue = new Queue(this, 'DeadLetterQueue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    acknowledge(
      this.deadLetterQueue,
      'AwsSolutions-SQS3',
      'It is itself the dead-letter queue of the schedule and of asynchronous invocations.',
    );
    this.#keepFailedInvocations();
    this.#tickEvery(deployment.tickMinutes);
  }

  /** SecureStrings under the AWS-managed key `aws/ssm` need no KMS permission: its key policy admits SSM's callers. */
  #grantParameters({ deployment, customerKey, proxyUrlParameter }: RefresherProps): void {
    const secrets = parameterArn(this, `${secretRoot(deployment.parameterPrefix)}/*`);
    const tokens = parameterArn(this, `${tokenRoot(deployment.parameterPrefix)}/*`);
    this.function.allow(['ssm:GetParameter'], secrets);
    acknowledgeWildcard(
      this.function.role,
      secrets,
      'One secret an app, written by operators after the deployment; the root holds nothing else.',
    );
    this.function.allow(['ssm:PutParameter'], tokens);
    acknowledgeWildcard(
      this.function.role,
      tokens,
      'One parameter a credential, created by the refresher, the only writer of this root.',
    );
    const writtenByOperators = [secrets];
    if (proxyUrlParameter !== undefined) {
      // It holds a password, so operators write it, like the secrets.
      const proxyUrl = parameterArn(this, proxyUrlParameter);
      this.function.allow(['ssm:GetParameter'], proxyUrl);
      this.function.setEnvironment(PROXY_URL_PARAMETER, proxyUrlParameter);
      writtenByOperators.push(proxyUrl);
    }
    if (customerKey) {
      const { keyArn } = customerKey;
      this.function.allow(['kms:Decrypt'], keyArn, onlyForParameters(...writtenByOperators));
      // A standard parameter is encrypted by the key itself, an advanced one (a value above 4 KB) by a data key.
      this.function.allow(['kms:Encrypt', 'kms:GenerateDataKey'], keyArn, onlyForParameters(tokens));
      this.function.setEnvironment(PARAMETER_KEY_ID, keyArn);
    }
  }

  /**
   * Lambda would repeat a failed asynchronous invocation twice; here the next tick is the retry. By hand: the L2
   * destination grants more than SendMessage.
   */
  #keepFailedInvocations(): void {
    const { queueArn } = this.deadLetterQueue;
    this.function.allow(['sqs:SendMessage'], queueArn);
    const config = new CfnEventInvokeConfig(this, 'AsyncInvocations', {
      functionName: this.function.lambda.functionName,
      qualifier: '$LATEST',
      maximumRetryAttempts: 0,
      maximumEventAgeInSeconds: 60,
      destinationConfig: { onFailure: { destination: queueArn } },
    });
    // Lambda checks at creation that the role may send to the destination.
    config.node.addDependency(this.function.role);
  }

  /** By hand: the L2 target lets its role invoke every version and alias too. */
  #tickEvery(minutes: number): void {
    const { functionArn } = this.function.lambda;
    const { queueArn } = this.deadLetterQueue;
    const role = new Role(this, 'ScheduleRole', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    });
    role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [functionArn] }));
    role.addToPolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queueArn] }));
    const schedule = new CfnSchedule(this, 'Tick', {
      description: 'Checks every credential; the refresher does work only where it is due',
      scheduleExpression: `rate(${minutes} minute${minutes === 1 ? '' : 's'})`,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: functionArn,
        roleArn: role.roleArn,
        input: JSON.stringify({
          ...TICK_EVENT,
          id: '<aws.scheduler.execution-id>',
          time: '<aws.scheduler.scheduled-time>',
        }),
        retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
        deadLetterConfig: { arn: queueArn },
      },
    });
    // Scheduler checks at creation that the role can be assumed and may invoke.
    schedule.node.addDependency(role);
  }
}
