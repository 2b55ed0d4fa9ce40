import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SSMClient } from '@aws-sdk/client-ssm';
import { recordTable } from '../../functions/aws/record-table.ts';
import { appSecrets } from '../../functions/aws/secrets.ts';
import { parameterMirror } from '../../functions/aws/ssm-parameters.ts';
import type { App } from '../../functions/core/credential.ts';
import type { Mirror, RecordStore } from '../../functions/core/ports.ts';
import { createRefresher, noProxy } from '../../functions/refresher.ts';

/** A refresher in a process of its own, as a Lambda instance is; see `startRefresherProcess`. */

/** Events to run concurrently, and the time of the process's clock. */
export type ProcessEvents = { readonly nowMs: number; readonly events: readonly unknown[] };

export type CrashPoint = 'after-lease' | 'after-answer' | 'after-commit' | 'after-mirror';

export type ProcessSettings = {
  readonly apps: readonly App[];
  readonly tableEndpoint: string;
  readonly tableName: string;
  readonly parameterEndpoint: string;
  readonly simulatorUrl: string;
  readonly probeMs: number;
  readonly crashAt?: CrashPoint;
};

const settings: ProcessSettings = JSON.parse(process.env['SETTINGS'] ?? '{}');
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const region = 'us-east-1';
let nowMs = 0;
const ssm = new SSMClient({ endpoint: settings.parameterEndpoint, region, credentials });

const refresher = createRefresher({
  apps: settings.apps,
  tickMs: 60_000,
  refreshAfterMs: 6_000_000,
  probeMs: settings.probeMs,
  hosts: { official: [settings.simulatorUrl], wecom: [settings.simulatorUrl] },
  proxyUrl: noProxy,
  store: crashingStore(
    recordTable(
      new DynamoDBClient({ endpoint: settings.tableEndpoint, region, credentials }),
      settings.tableName,
    ),
  ),
  mirror: crashingMirror(parameterMirror(ssm, '/wechat')),
  secrets: appSecrets(ssm, '/wechat'),
  notices: { send: async () => undefined },
  clock: { now: () => nowMs, sleepUntil: async () => undefined },
  onUpstreamCall: () => undefined,
});

process.on('message', (message: ProcessEvents) => {
  nowMs = message.nowMs;
  void Promise.all(message.events.map((event) => refresher.run(event))).then((answers) =>
    process.send?.(answers.flatMap(({ results }) => results)),
  );
});
// An orphan ends with the process that started it.
process.on('disconnect', () => process.exit());
process.send?.('ready');

/** SIGKILL: no exception, no `finally`, no flush. */
function crashIf(point: CrashPoint): void {
  if (settings.crashAt === point) process.kill(process.pid, 'SIGKILL');
}

function crashingStore(store: RecordStore): RecordStore {
  return {
    read: store.read,
    async swap(seen, next) {
      const commits = next.version > (seen?.version ?? 0);
      if (commits) crashIf('after-answer');
      const written = await store.swap(seen, next);
      if (commits) crashIf('after-commit');
      else if (next.leaseUntil > 0) crashIf('after-lease');
      return written;
    },
  };
}

function crashingMirror(mirror: Mirror): Mirror {
  return {
    async write(credential, value) {
      await mirror.write(credential, value);
      crashIf('after-mirror');
    },
  };
}
