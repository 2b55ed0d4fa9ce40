import { Annotations, CfnOutput, Fn, Stack, type StackProps } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { DEFAULT_PARAMETER_PREFIX } from '../functions/deployment-schema.ts';
import type { Config } from './config.ts';
import { DEFAULT_STACK_NAME } from './config-schema.ts';
import { WechatTokens } from './wechat-tokens.ts';

export interface TokenStackProps extends StackProps {
  readonly config: Config;
}

/** What `cdk deploy` deploys: the construct, the outputs that apps and operators use, and warnings. */
export class TokenStack extends Stack {
  constructor(scope: Construct, id: string, { config, ...props }: TokenStackProps) {
    super(scope, id, props);
    const { kmsKeyArn } = config;
    // CDK leaves the id `Default` out of the names it makes, so alarms and functions are called after their part alone.
    const tokens = new WechatTokens(this, 'Default', {
      ...config,
      customerKey: kmsKeyArn === undefined ? undefined : Key.fromKeyArn(this, 'CustomerKey', kmsKeyArn),
    });
    const { table, egress, refresher, readApi, monitoring } = tokens;
    const outputs = {
      TableName: table.tableName,
      RefreshFunctionName: refresher.function.lambda.functionName,
      ReadFunctionName: readApi.function.lambda.functionName,
      ReadUrl: readApi.frontEnd.url,
      ParameterPrefix: config.deployment.parameterPrefix,
      ReaderPolicyArn: readApi.readerPolicyArn,
      AppReaderPolicyArn: readApi.appReaderPolicyArn,
      AlarmTopicArn: monitoring.topicArn,
      DashboardUrl: monitoring.dashboardUrl,
      ...(readApi.readerRoleArn !== undefined && { ReaderRoleArn: readApi.readerRoleArn }),
      ...(egress && { EgressIp: egress.ip }),
      ...(kmsKeyArn !== undefined && { KmsKeyArn: kmsKeyArn }),
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
    for (const { id, text } of warningsOf(config)) Annotations.of(this).addWarningV2(id, text);
  }

  /** By the deploying account's own list: CDK's way is to look it up, and synth needs no account. */
  override get availabilityZones(): string[] {
    return [Fn.select(0, Fn.getAzs()), Fn.select(1, Fn.getAzs())];
  }
}

/** What may be intended, but will surprise: shown at synth, each with an id by which it can be acknowledged. */
export function warningsOf({ egress, deployment, stackName }: Config): { id: string; text: string }[] {
  const { apps, parameterPrefix } = deployment;
  const withIpList = apps.filter(({ kind }) => kind === 'official-account').map(({ name }) => name);
  const warnings: { id: string; text: string }[] = [];
  if (egress.mode === 'direct' && withIpList.length > 0) {
    warnings.push({
      id: 'wechat-token-refresher:direct-egress',
      text:
        `WeChat answers an official account from allow-listed IPs only, and with egress.mode 'direct' the refresher has ` +
        `no fixed IP: ${listOf(withIpList)} will fail with 40164 unless the IP list is off. ` +
        "Set egress.mode to 'nat-gateway', 'nat-instance' or 'proxy'; docs/costs.md has their prices.",
    });
  }
  if (stackName !== DEFAULT_STACK_NAME && parameterPrefix === DEFAULT_PARAMETER_PREFIX) {
    warnings.push({
      id: 'wechat-token-refresher:shared-prefix',
      text:
        `Stack ${stackName} writes under ${parameterPrefix}, which is the default of every stack. Two stacks with an app ` +
        'of the same name would overwrite its parameters in turns: set parameterPrefix if there is another stack.',
    });
  }
  return warnings;
}

/** More names would hide what the sentence says. */
const MAX_NAMES = 10;

function listOf(names: readonly string[]): string {
  const rest = names.length - MAX_NAMES;
  return names.slice(0, MAX_NAMES).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
