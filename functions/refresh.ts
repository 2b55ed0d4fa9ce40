import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { SSMClient } from '@aws-sdk/client-ssm';
import { clientOptions } from './aws/clients.ts';
import { loadDeployment, requiredEnv } from './aws/deployment-file.ts';
import { operatorNotices } from './aws/operator-notices.ts';
import { parameterMirror } from './aws/parameter-mirror.ts';
import { proxyParameter } from './aws/proxy-parameter.ts';
import { recordTable } from './aws/record-table.ts';
import { secretParameters } from './aws/secret-parameters.ts';
import type { CredentialResult } from './core/result.ts';
import { createRefresher, noProxy, type RefreshAnswer, systemClock } from './refresher.ts';
import { hostList } from './wechat/hosts.ts';

const MINUTE_MS = 60_000;

const logger = new Logger();
const metrics = new Metrics({ namespace: 'WechatTokenRefresher' });
const deployment = loadDeployment(import.meta.url);
const ssm = new SSMClient(clientOptions);
const sns = new SNSClient(clientOptions);
const proxyUrlParameter = process.env['PROXY_URL_PARAMETER'];
const refresher = createRefresher({
  apps: deployment.apps,
  tickMs: deployment.tickMinutes * MINUTE_MS,
  refreshAfterMs: deployment.refreshAfterMinutes * MINUTE_MS,
  probeMs: deployment.probeMinutes * MINUTE_MS,
  hosts: {
    official: hostList.parse(requiredEnv('WECHAT_HOSTS')),
    wecom: hostList.parse(requiredEnv('WECOM_HOSTS')),
  },
  proxyUrl: proxyUrlParameter ? proxyParameter(ssm, proxyUrlParameter, Date.now) : noProxy,
  store: recordTable(new DynamoDBClient(clientOptions), requiredEnv('TABLE_NAME')),
  mirror: parameterMirror(ssm, deployment.parameterPrefix),
  secrets: secretParameters(ssm, deployment.parameterPrefix),
  notices: operatorNotices({ logger, metrics, sns }, requiredEnv('NOTICE_TOPIC_ARN')),
  clock: systemClock,
});

/** EventBridge's tick and ops' manual refresh. A credential that fails is a result, never a failed invocation. */
export async function handler(event: unknown): Promise<RefreshAnswer> {
  const answer = await refresher.run(event);
  // Who forced what, and why; the event is valid by now, and holds a fingerprint at most.
  if (isManual(event)) logger.info('manual refresh', { event });
  for (const result of answer.results) log(result);
  return answer;
}

function isManual(event: unknown): boolean {
  return typeof event === 'object' && event !== null && 'app' in event;
}

function log(result: CredentialResult): void {
  const line = `${result.app}/${result.credential} ${result.outcome}: ${result.reason}`;
  if (result.error) logger.error(line, { result });
  else if (result.outcome !== 'fresh') logger.info(line, { result });
}
