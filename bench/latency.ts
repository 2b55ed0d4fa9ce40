import { cpSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { recordTable } from '../functions/aws/record-table.ts';
import { blankRecord, fingerprintOf } from '../functions/core/credential.ts';
import type { Deployment } from '../functions/deployment.ts';
import { openEmbeddedTable } from '../local/embedded-table.ts';
import { machine, section, table, whole, writeResults } from './harness/report.ts';
import { type Bundles, compositionOf, makeBundles, temporaryFolder } from './latency/bundles.ts';
import { type ColdStart, coldStarts } from './latency/cold-starts.ts';

/**
 * Start and response times of the read function that `cdk synth` bundles, compared with a handler that does nothing and with
 * CDK's default bundling. Writes into docs/benchmarks.md.
 */

const COLD_ROUNDS = 25;
const WARM_ROUNDS = 5;
const WARM_CALLS = 20_000;
const ROUND_TRIPS = 500;

const event = {
  version: '2.0',
  rawPath: '/apps/shop/access-token',
  rawQueryString: '',
  headers: { host: 'url-id.lambda-url.us-east-1.on.aws', accept: '*/*' },
  requestContext: { http: { method: 'GET', path: '/apps/shop/access-token' } },
  isBase64Encoded: false,
};

const names = {
  empty: 'an empty handler',
  read: '**the read function**',
  onSdk: 'the same on the SDK, with our options',
  byDefault: 'the same on the SDK, default bundling',
} as const;
type Name = keyof typeof names;
const candidates = Object.keys(names) as Name[];

async function measure(bundles: Bundles, environment: Record<string, string>) {
  const { refresh: _, ...files } = bundles;
  const cold = await coldStarts(files, { rounds: COLD_ROUNDS, warmCalls: 0, event, environment });
  const warm = await coldStarts(files, { rounds: WARM_ROUNDS, warmCalls: WARM_CALLS, event, environment });
  const { read: uncached } = await coldStarts(
    { read: withoutCache(bundles.read) },
    { rounds: WARM_ROUNDS, warmCalls: ROUND_TRIPS, event, environment },
  );
  return { cold, warm, roundTripMs: uncached.warmP50Ms };
}

/** The same bundle, configured to read the table for each call. */
function withoutCache(bundle: string): string {
  const folder = temporaryFolder();
  cpSync(dirname(bundle), folder, { recursive: true });
  const file = join(folder, 'deployment.json');
  const deployment: Deployment = JSON.parse(readFileSync(file, 'utf8'));
  const readUrl: Deployment['readUrl'] = { ...deployment.readUrl, cacheSeconds: 0 };
  writeFileSync(file, JSON.stringify({ ...deployment, readUrl }));
  return join(folder, 'index.mjs');
}

type Measured = Awaited<ReturnType<typeof measure>>;

function speeds(bundles: Bundles, { cold, warm }: Measured): string {
  const row = (name: Name) => {
    const start: ColdStart = cold[name];
    return [
      names[name],
      whole(statSync(bundles[name]).size),
      ...[start.loadMs, start.firstAnswerMs, start.sinceProcessStartMs].map(ms),
      ...[warm[name].warmP50Ms, warm[name].warmP99Ms].map(us),
    ];
  };
  return table(
    [
      '',
      'bytes',
      'load, ms',
      'load to first answer, ms',
      'process start to first answer, ms',
      'warm, cached p50, µs',
      'p99, µs',
    ],
    candidates.map(row),
  );
}

function targets(bundles: Bundles, { cold, warm, roundTripMs }: Measured): string {
  const bytes = statSync(bundles.read).size;
  const loadShare = cold.read.loadMs / cold.byDefault.loadMs;
  const allowedMs = 2 * (cold.empty.sinceProcessStartMs + roundTripMs);
  const aboveEmptyMs = warm.read.warmP50Ms - warm.empty.warmP50Ms;
  const row = (target: string, limit: string, measured: string, met: boolean) => [
    target,
    limit,
    measured,
    met ? 'yes' : '**no**',
  ];
  return table(
    ['target', 'at most', 'measured', 'met'],
    [
      row('bundle, bytes', whole(150_000), whole(bytes), bytes <= 150_000),
      row("load, as a share of the default bundle's", '0.6', loadShare.toFixed(2), loadShare <= 0.6),
      row(
        `process start to first answer, ms: twice an empty handler's and a round trip to the table (${ms(roundTripMs)})`,
        ms(allowedMs),
        ms(cold.read.sinceProcessStartMs),
        cold.read.sinceProcessStartMs <= allowedMs,
      ),
      row("warm and cached, above an empty handler's p50, µs", '50', us(aboveEmptyMs), aboveEmptyMs <= 0.05),
    ],
  );
}

async function composition(bundles: Bundles): Promise<string> {
  const of = async (entry: 'read' | 'refresh') => {
    const { bytes, packages } = await compositionOf(entry, bundles[entry]);
    const largest = packages.slice(0, 5).map(([name, size]) => `${name} ${whole(size)}`);
    return [`functions/${entry}.ts`, whole(bytes), largest.join(', ')];
  };
  return table(['bundle', 'bytes', 'the five largest parts'], [await of('read'), await of('refresh')]);
}

const ms = (amount: number): string => amount.toFixed(1);
const us = (amountMs: number): string => (amountMs * 1000).toFixed(1);

const bundles = await makeBundles({
  apps: [{ name: 'shop', kind: 'official-account', appId: 'wx0123456789abcdef' }],
});
const dynamodb = await openEmbeddedTable();
const now = Date.now();
const value = 'a'.repeat(512);
await recordTable(dynamodb.client, dynamodb.tableName).swap(undefined, {
  ...blankRecord('shop/access-token'),
  version: 1,
  current: {
    value,
    fingerprint: fingerprintOf(value),
    account: 'wx0123456789abcdef',
    issuedAt: now,
    expiresAt: now + 7_200_000,
    renewedAt: now,
    confirmedAt: now,
  },
});
const measured = await measure(bundles, {
  TABLE_NAME: dynamodb.tableName,
  AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  DEPLOYMENT_URL: pathToFileURL(bundles.read).href,
});
await dynamodb.close();
writeResults(
  'benchmarks.md',
  'bench:latency',
  [
    machine(),
    section('Speed', speeds(bundles, measured)),
    section('Targets', targets(bundles, measured)),
    section('Composition of the bundles', await composition(bundles)),
  ].join('\n\n'),
);
