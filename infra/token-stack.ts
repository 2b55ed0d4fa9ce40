import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from './config.ts';
import { CredentialTable } from './constructs/credential-table.ts';
import { Monitoring } from './constructs/monitoring.ts';
import { ReadApi } from './constructs/read-api.ts';
import { Refresher } from './constructs/refresher.ts';

/** The whole of it: table, refresher with its tick, read URL, monitoring; and the outputs that apps and ops use. */
export class TokenStack extends Stack {
  constructor(scope: Construct, id: string, { config, ...props }: StackProps & { config: Config }) {
    super(scope, id, props);
    const table = new CredentialTable(this, 'Credentials');
    const refresher = new Refresher(this, 'Refresher', { config, table });
    const readApi = new ReadApi(this, 'ReadApi', { config, table });
    const monitoring = new Monitoring(this, 'Monitoring', { refresher, readApi, config });

    const outputs = {
      TableName: table.tableName,
      RefreshFunctionName: refresher.function.lambda.functionName,
      ReadFunctionName: readApi.function.lambda.functionName,
      ReadUrl: readApi.url,
      ParameterPrefix: config.deployment.parameterPrefix,
      ReaderPolicyArn: readApi.readerPolicyArn,
      AlarmTopicArn: monitoring.topicArn,
      DashboardUrl: monitoring.dashboardUrl,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
