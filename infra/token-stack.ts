import { Annotations, CfnOutput, Fn, Stack, type StackProps } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { Config } from './config.ts';
import { CredentialTable } from './constructs/credential-table.ts';
import { FixedIpEgress } from './constructs/egress.ts';
import { encryptionKey } from './constructs/encryption-key.ts';
import { Monitoring } from './constructs/monitoring/monitoring.ts';
import { ReadApi } from './constructs/read-api.ts';
import { Refresher } from './constructs/refresher.ts';
import { warningsOf } from './warnings.ts';

/** The whole of it: table, refresher with its tick, read URL, monitoring; and the outputs that apps and ops use. */
export class TokenStack extends Stack {
  constructor(scope: Construct, id: string, { config, ...props }: StackProps & { config: Config }) {
    super(scope, id, props);
    const logKey = encryptionKey(this, 'Key');
    const customerKey = config.kmsKeyArn ? Key.fromKeyArn(this, 'CustomerKey', config.kmsKeyArn) : undefined;
    const table = new CredentialTable(this, 'Credentials', { key: customerKey });
    const egress = this.#egress(config);
    const refresher = new Refresher(this, 'Refresher', { config, table, logKey, customerKey, egress });
    const readApi = new ReadApi(this, 'ReadApi', { config, table, logKey, customerKey });
    const monitoring = new Monitoring(this, 'Monitoring', { refresher, readApi, config, key: logKey });
    for (const { id, text } of warningsOf(config)) Annotations.of(this).addWarningV2(id, text);

    const outputs = {
      TableName: table.tableName,
      RefreshFunctionName: refresher.function.lambda.functionName,
      ReadFunctionName: readApi.function.lambda.functionName,
      ReadUrl: readApi.frontEnd.url,
      ParameterPrefix: config.deployment.parameterPrefix,
      ReaderPolicyArn: readApi.readerPolicyArn,
      AlarmTopicArn: monitoring.topicArn,
      DashboardUrl: monitoring.dashboardUrl,
      ...(egress && { EgressIp: egress.ip }),
      ...(config.kmsKeyArn && { KmsKeyArn: config.kmsKeyArn }),
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }

  /** By the deploying account's own list: CDK's way is to look it up, and synth needs no account. */
  override get availabilityZones(): string[] {
    return [Fn.select(0, Fn.getAzs()), Fn.select(1, Fn.getAzs())];
  }

  #egress({ egress: { mode }, wechatHosts, wecomHosts }: Config): FixedIpEgress | undefined {
    if (mode === 'direct' || mode === 'proxy') return undefined;
    const ports = [...wechatHosts, ...wecomHosts].map((host) => Number(new URL(host).port || 443));
    return new FixedIpEgress(this, 'Egress', { mode, ports });
  }
}
