import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { HttpApi, HttpNoneAuthorizer, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { FrontEnd } from './front-end.ts';

type HttpApiProps = { readonly lambda: IFunction; readonly auth: 'iam' | 'key'; readonly logKey: IKey };

/** An API Gateway HTTP API, for regions without function URLs. Every request goes to the function. */
export class ReadHttpApi extends Construct implements FrontEnd {
  readonly url: string;
  readonly invokeStatements: readonly PolicyStatement[];
  readonly errors: FrontEnd['errors'];
  readonly latency: FrontEnd['latency'];

  constructor(scope: Construct, id: string, { lambda, auth, logKey }: HttpApiProps) {
    super(scope, id);
    const api = new HttpApi(this, 'Api', {
      description: 'Serves WeChat credentials; can read and nothing else',
      createDefaultStage: false,
      defaultIntegration: new HttpLambdaIntegration('Read', lambda),
      defaultAuthorizer: auth === 'key' ? new HttpNoneAuthorizer() : new HttpIamAuthorizer(),
    });
    new HttpStage(this, 'Stage', {
      httpApi: api,
      autoDeploy: true,
      accessLogSettings: { destination: new LogGroupLogDestination(this.#logs(logKey)), format: ACCESS_LOG },
    });
    this.url = `${api.apiEndpoint}/`;
    // WeChat's /cgi-bin/stable_token is a POST; the function refuses every other.
    const readings = ['GET', 'POST'].map((method) => api.arnForExecuteApi(method, '/*', '$default'));
    this.invokeStatements =
      auth === 'key' ? [] : [new PolicyStatement({ actions: ['execute-api:Invoke'], resources: readings })];
    this.errors = api.metricServerError({ statistic: 'Sum', period: Duration.minutes(1) });
    this.latency = api.metricLatency({ statistic: 'p99' });
    if (auth === 'key') {
      Validations.of(api).acknowledge({
        id: 'AwsSolutions-APIG4',
        reason: 'SDKs cannot sign: the function itself checks reader keys.',
      });
    }
  }

  #logs(encryptionKey: IKey): LogGroup {
    return new LogGroup(this, 'AccessLogs', {
      encryptionKey,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}

/** The path and not the query, which may hold a reader key. */
const ACCESS_LOG = AccessLogFormat.custom(
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
