import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { SSMClient } from '@aws-sdk/client-ssm';
import { clientOptions } from './aws/clients.ts';
import { publishMetrics, snsNotifications } from './aws/monitoring.ts';
import { recordTable } from './aws/record-table.ts';
import { appSecrets } from './aws/secrets.ts';
import { parameterMirror, proxyParameter } from './aws/ssm-parameters.ts';
import { measurementsOf, measuresEachApp, metricNamespace, observedStore } from './core/reporting/metrics.ts';
import type { CredentialResult } from './core/reporting/results.ts';
import {
  loadDeployment,
  NOTICE_TOPIC_ARN,
  PARAMETER_KEY_ID,
  PROXY_URL_PARAMETER,
  requiredEnv,
  TABLE_NAME,
} from './deployment.ts';
import { type Answer, createRefresher, noProxy } from './refresher.ts';
import { systemClock } from './system-clock.ts';

const MINUTE_MS = 60_000;

const logger = new Logger();
const metrics = new Metrics({ namespace: metricNamespace });
const deployment = loadDeployment(import.meta.url);
const ssm = new SSMClient(clientOptions);
const sns = new SNSClient(clientOptions);
const proxyUrlParameter = process.env[PROXY_URL_PARAMETER];
const store = observedStore(recordTable(new DynamoDBClient(clientOptions), requiredEnv(TABLE_NAME)));
const notices = snsNotifications(
  { logger, metrics, sns },
  requiredEnv(NOTICE_TOPIC_ARN),
  measuresEachApp(deployment.apps),
);
let upstreamLatenciesMs: number[] = [];
const refresher = createRefresher({
  apps: deployment.apps,
  tickMs: deployment.tickMinutes * MINUTE_MS,
  refreshAfterMs: deployment.refreshAfterMinutes * MINUTE_MS,
  probeMs: deployment.probeMinutes * MINUTE_MS,
  hosts: { official: deployment.wechatHosts, wecom: deployment.wecomHosts },
  proxyUrl: proxyUrlParameter ? proxyParameter(ssm, proxyUrlParameter, Date.now) : noProxy,
  store,
  mirror: parameterMirror(ssm, deployment.parameterPrefix, process.env[PARAMETER_KEY_ID]),
  secrets: appSecrets(ssm, deployment.parameterPrefix),
  notices,
  clock: systemClock,
  onUpstreamCall: (latencyMs) => upstreamLatenciesMs.push(latencyMs),
});

/** EventBridge's tick, and operators' own events. A credential that fails is a result, never a failed invocation. */
export async function handler(event: unknown): Promise<Answer> {
  const answer = await refresher.answer(event);
  // There are ten a month, and operators want to know when they were used.
  if ('quotaCleared' in answer) logger.info('quota clear', { quotaCleared: answer.quotaCleared });
  if (!('results' in answer)) return answer;
  // Who forced what, and why; the event is valid by now, and holds a fingerprint at most.
  if (isManual(event)) logger.info('manual refresh', { event });
  for (const result of answer.results) log(result);
  measure(answer.results);
  await notices.publish();
  return answer;
}

function measure(results: readonly CredentialResult[]): void {
  const { apps, refreshAfterMinutes } = deployment;
  const facts = { results, records: store.takeRecords(), upstreamLatenciesMs, now: Date.now() };
  publishMetrics(metrics, measurementsOf(apps, refreshAfterMinutes, facts));
  upstreamLatenciesMs = [];
}

function isManual(event: unknown): boolean {
  return typeof event === 'object' && event !== null && 'app' in event;
}

function log(result: CredentialResult): void {
  const line = `${result.app}/${result.credential} ${result.outcome}: ${result.reason}`;
  if (result.error) logger.error(line, { result });
  else if (result.outcome !== 'fresh') logger.info(line, { result });
}
