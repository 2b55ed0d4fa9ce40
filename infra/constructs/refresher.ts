import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnEventInvokeConfig } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { timingOf } from '../../functions/core/rules/timing.ts';
import { acknowledgeWildcard } from '../acknowledge.ts';
import type { Config } from '../config.ts';
import { BundledFunction } from './bundled-function.ts';
import type { CredentialTable } from './credential-table.ts';
import type { FixedIpEgress } from './egress.ts';

type RefresherProps = {
  readonly config: Config;
  readonly table: CredentialTable;
  readonly logKey: IKey;
  /** The user's own, for the table and the parameters. */
  readonly customerKey: IKey | undefined;
  readonly egress: FixedIpEgress | undefined;
};

/** The function that renews, the schedule that ticks it, and the queue for what was not delivered or crashed. */
export class Refresher extends Construct {
  readonly function: BundledFunction;
  readonly failures: Queue;

  constructor(scope: Construct, id: string, props: RefresherProps) {
    super(scope, id);
    const { stackName, deployment, wechatHosts, wecomHosts, egress } = props.config;
    this.function = new BundledFunction(this, 'Refresh', {
      entry: 'refresh',
      description: 'Renews every WeChat credential that is due',
      deployment,
      timeout: Duration.millis(timingOf(deployment.tickMinutes * 60_000).timeoutMs),
      memoryMb: 256,
      logKey: props.logKey,
      egress: props.egress,
      environment: {
        WECHAT_HOSTS: wechatHosts.join(','),
        WECOM_HOSTS: wecomHosts.join(','),
        // The dimension of every metric: stacks of one account share the namespace.
        POWERTOOLS_SERVICE_NAME: stackName,
      },
    });
    props.table.grantReadWrite(this.function);
    this.#grantParameters(deployment.parameterPrefix);
    if (props.customerKey) this.#grantKeyUse(props.customerKey);
    if (egress.proxyUrlParameter !== undefined) this.#grantProxyParameter(egress.proxyUrlParameter);
    this.failures = new Queue(this, 'Failures', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    Validations.of(this.failures).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'It is itself the dead-letter queue of the schedule and of asynchronous invocations.',
    });
    this.#keepFailedInvocations();
    this.#tickEvery(deployment.tickMinutes);
  }

  /** SecureStrings under the AWS-managed key `aws/ssm` need no KMS permission: its key policy admits SSM's callers. */
  #grantParameters(prefix: string): void {
    const under = (root: string) =>
      Stack.of(this).formatArn({
        service: 'ssm',
        resource: 'parameter',
        resourceName: `${prefix.slice(1)}/${root}/*`,
      });
    const { role } = this.function;
    role.addToPolicy(new PolicyStatement({ actions: ['ssm:GetParameter'], resources: [under('secrets')] }));
    acknowledgeWildcard(
      role,
      under('secrets'),
      'One secret an app, written by ops after the deployment; the root holds nothing else.',
    );
    role.addToPolicy(new PolicyStatement({ actions: ['ssm:PutParameter'], resources: [under('tokens')] }));
    acknowledgeWildcard(
      role,
      under('tokens'),
      'One parameter a credential, created by the refresher, the only writer of this root.',
    );
  }

  /** The grant and the variable in one call. DynamoDB and SSM use the key in the name of who asks them. */
  #grantKeyUse(key: IKey): void {
    const { lambda, role } = this.function;
    role.addToPolicy(
      new PolicyStatement({
        actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey'],
        resources: [key.keyArn],
      }),
    );
    lambda.addEnvironment('PARAMETER_KEY_ID', key.keyArn);
  }

  /** The grant and the variable in one call. The parameter holds a password, so ops write it, like the secrets. */
  #grantProxyParameter(parameter: string): void {
    const arn = Stack.of(this).formatArn({
      service: 'ssm',
      resource: 'parameter',
      resourceName: parameter.slice(1),
    });
    const { lambda, role } = this.function;
    role.addToPolicy(new PolicyStatement({ actions: ['ssm:GetParameter'], resources: [arn] }));
    lambda.addEnvironment('PROXY_URL_PARAMETER', parameter);
  }

  /**
   * Lambda would repeat a failed asynchronous invocation twice; here the next tick is the retry. By hand: the L2
   * destination grants more than SendMessage.
   */
  #keepFailedInvocations(): void {
    this.function.role.addToPolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.failures.queueArn] }),
    );
    const config = new CfnEventInvokeConfig(this, 'AsyncInvocations', {
      functionName: this.function.lambda.functionName,
      qualifier: '$LATEST',
      maximumRetryAttempts: 0,
      maximumEventAgeInSeconds: 60,
      destinationConfig: { onFailure: { destination: this.failures.queueArn } },
    });
    // Lambda checks at creation that the role may send to the destination.
    config.node.addDependency(this.function.role);
  }

  /** By hand: the L2 target lets its role invoke every version and alias too. */
  #tickEvery(minutes: number): void {
    const { functionArn } = this.function.lambda;
    const role = new Role(this, 'ScheduleRole', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    });
    role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [functionArn] }));
    role.addToPolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.failures.queueArn] }),
    );
    const schedule = new CfnSchedule(this, 'Tick', {
      description: 'One look at every credential; the refresher does work only where it is due',
      scheduleExpression: `rate(${minutes} minute${minutes === 1 ? '' : 's'})`,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: functionArn,
        roleArn: role.roleArn,
        input: JSON.stringify({
          source: 'aws.scheduler',
          'detail-type': 'Scheduled Event',
          id: '<aws.scheduler.execution-id>',
          time: '<aws.scheduler.scheduled-time>',
        }),
        retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
        deadLetterConfig: { arn: this.failures.queueArn },
      },
    });
    // Scheduler checks at creation that the role can be assumed and may invoke.
    schedule.node.addDependency(role);
  }
}
