import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SSMClient } from '@aws-sdk/client-ssm';
import { recordTable } from '../../functions/aws/record-table.ts';
import { appSecrets } from '../../functions/aws/secrets.ts';
import { parameterMirror } from '../../functions/aws/ssm-parameters.ts';
import { createRefresher, noProxy } from '../../functions/refresher.ts';
import { appNumber } from '../costs/count.ts';

/** A refresher of many apps in a process of its own, so that only its own time and memory are measured. */

export type ScaleSettings = {
  readonly apps: number;
  readonly tableEndpoint: string;
  readonly tableName: string;
  readonly parameterEndpoint: string;
  readonly wechatUrl: string;
};
/** Runs one tick, so long after the previous one. */
export type ScaleTick = { readonly passMs: number };
export type ScaleReport = {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly dynamodbCalls: number;
  readonly residentMb: number;
  /** Number of credentials by outcome; by reason for those that are fresh. */
  readonly outcomes: Readonly<Record<string, number>>;
};

const settings: ScaleSettings = JSON.parse(process.env['SETTINGS'] ?? '{}');
const region = 'us-east-1';
const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' };
const dynamodb = new DynamoDBClient({ endpoint: settings.tableEndpoint, region, credentials });
const ssm = new SSMClient({ endpoint: settings.parameterEndpoint, region, credentials });
let dynamodbCalls = 0;
dynamodb.middlewareStack.add(
  (next) => (args) => {
    dynamodbCalls++;
    return next(args);
  },
  // Runs after the retry middleware, so that each attempt counts.
  { step: 'finalizeRequest', priority: 'low' },
);

let now = Date.UTC(2026, 0, 1);
const refresher = createRefresher({
  apps: Array.from({ length: settings.apps }, (_, index) => ({ ...appNumber(index), tickets: [] })),
  tickMs: 60_000,
  refreshAfterMs: 6_000_000,
  probeMs: 180_000,
  hosts: { official: [settings.wechatUrl], wecom: [settings.wechatUrl] },
  proxyUrl: noProxy,
  store: recordTable(dynamodb, settings.tableName),
  mirror: parameterMirror(ssm, '/wechat'),
  secrets: appSecrets(ssm, '/wechat'),
  notices: { send: async () => undefined },
  // It does not advance during a tick: on AWS a tick that takes too long leaves the rest to the next one.
  clock: { now: () => now, sleepUntil: async () => undefined },
  onUpstreamCall: () => undefined,
});

process.on('message', ({ passMs }: ScaleTick) => {
  now += passMs;
  void tick().then((report) => process.send?.(report satisfies ScaleReport));
});
process.on('disconnect', () => process.exit());
process.send?.('ready');

async function tick(): Promise<ScaleReport> {
  dynamodbCalls = 0;
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  const { results } = await refresher.run({});
  const wallMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  const outcomes: Record<string, number> = {};
  for (const { outcome, reason } of results) {
    const what = outcome === 'fresh' ? reason : outcome;
    outcomes[what] = (outcomes[what] ?? 0) + 1;
  }
  const residentMb = process.memoryUsage().rss / 1e6;
  return { wallMs, cpuMs: (user + system) / 1000, dynamodbCalls, residentMb, outcomes };
}
