import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { HttpApi, HttpNoneAuthorizer, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { FunctionUrlAuthType, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Deployment } from '../../functions/deployment.ts';
import type { FrontEndKind } from '../config-schema.ts';
import { acknowledge } from './permissions.ts';

/** What answers under the read URL. */
export interface FrontEnd {
  /** Ends with a slash. */
  readonly url: string;
  /** What an app's role needs to call it; empty where the function itself checks reader keys. */
  readonly invokeStatements: readonly PolicyStatement[];
  /** Answers with 5xx, a minute. */
  readonly errors: IMetric;
  /** Milliseconds, p99 of five minutes. */
  readonly latency: IMetric;
}

export interface FrontEndProps {
  readonly kind: FrontEndKind;
  readonly lambda: IFunction;
  /** With `iam` AWS checks the caller's signature; with `key` every request reaches the function, for SDKs cannot sign. */
  readonly auth: Deployment['readUrl']['auth'];
  /** Encrypts the access log of an HTTP API. */
  readonly logKey: IKey;
}

/**
 * Puts the read function on the Internet: by a Function URL, which costs nothing beside the function, or by an HTTP API
 * in the regions that have no Function URLs. The function gets the same events from both (payload format 2.0).
 */
export function frontEnd(scope: Construct, props: FrontEndProps): FrontEnd {
  return props.kind === 'http-api' ? httpApi(scope, props) : functionUrl(props);
}

function functionUrl({ lambda, auth }: FrontEndProps): FrontEnd {
  const authType = auth === 'key' ? FunctionUrlAuthType.NONE : FunctionUrlAuthType.AWS_IAM;
  return {
    url: lambda.addFunctionUrl({ authType }).url,
    invokeStatements: auth === 'key' ? [] : functionUrlStatements(lambda.functionArn),
    errors: lambda.metric('Url5xxCount', { statistic: 'Sum', period: Duration.minutes(1) }),
    latency: lambda.metric('UrlRequestLatency', { statistic: 'p99' }),
  };
}

/**
 * For callers of this account their own policy decides. A Function URL needs two permissions since October 2025:
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
 */
function functionUrlStatements(functionArn: string): PolicyStatement[] {
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

function httpApi(parent: Construct, { lambda, auth, logKey }: FrontEndProps): FrontEnd {
  const scope = new Construct(parent, 'HttpApi');
  const api = new HttpApi(scope, 'Api', {
    description: 'Serves WeChat credentials, read-only',
    createDefaultStage: false,
    defaultIntegration: new HttpLambdaIntegration('Read', lambda),
    defaultAuthorizer: auth === 'key' ? new HttpNoneAuthorizer() : new HttpIamAuthorizer(),
  });
  if (auth === 'key') {
    acknowledge(api, 'AwsSolutions-APIG4', 'SDKs cannot sign: the function itself checks reader keys.');
  }
  const accessLog = new LogGroup(scope, 'AccessLogs', {
    encryptionKey: logKey,
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  new HttpStage(scope, 'Stage', {
    httpApi: api,
    autoDeploy: true,
    accessLogSettings: { destination: new LogGroupLogDestination(accessLog), format: ACCESS_LOG_FORMAT },
  });
  // WeChat's /cgi-bin/stable_token is a POST; the function refuses every other.
  const readRoutes = ['GET', 'POST'].map((method) => api.arnForExecuteApi(method, '/*', '$default'));
  return {
    url: `${api.apiEndpoint}/`,
    invokeStatements:
      auth === 'key' ? [] : [new PolicyStatement({ actions: ['execute-api:Invoke'], resources: readRoutes })],
    errors: api.metricServerError({ statistic: 'Sum', period: Duration.minutes(1) }),
    latency: api.metricLatency({ statistic: 'p99' }),
  };
}

/** The path and not the query, which may hold a reader key. */
const ACCESS_LOG_FORMAT = AccessLogFormat.custom(
  JSON.stringify({
    requestId: '$context.requestId',
    requestTime: '$context.requestTime',
    sourceIp: '$context.identity.sourceIp',
    caller: '$context.identity.userArn',
    method: '$context.httpMethod',
    path: '$context.path',
    status: '$context.status',
    latencyMs: '$context.responseLatency',
    error: '$context.error.message',
  }),
);
