import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { FunctionUrlAuthType, type IFunction } from 'aws-cdk-lib/aws-lambda';
import type { FrontEnd } from './front-end.ts';

/** A Lambda function URL: no service in between and nothing to pay for beside the function. */
export function functionUrl(lambda: IFunction, auth: 'iam' | 'key'): FrontEnd {
  // With reader keys the function itself lets callers in, for SDKs cannot sign.
  const authType = auth === 'key' ? FunctionUrlAuthType.NONE : FunctionUrlAuthType.AWS_IAM;
  return {
    url: lambda.addFunctionUrl({ authType }).url,
    invokeStatements: auth === 'key' ? [] : callers(lambda.functionArn),
    errors: lambda.metric('Url5xxCount', { statistic: 'Sum', period: Duration.minutes(1) }),
    latency: lambda.metric('UrlRequestLatency', { statistic: 'p99' }),
  };
}

/**
 * For callers of this account their own policy decides. A Function URL needs two permissions since October 2025:
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
 */
function callers(functionArn: string): PolicyStatement[] {
  return [
    new PolicyStatement({
      actions: ['lambda:InvokeFunctionUrl'],
      resources: [functionArn],
      conditions: { StringEquals: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' } },
    }),
    new PolicyStatement({
      actions: ['lambda:InvokeFunction'],
      resources: [functionArn],
      conditions: { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } },
    }),
  ];
}
