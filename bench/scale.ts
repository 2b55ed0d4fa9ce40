import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openEmbeddedTable } from '../local/embedded-table.ts';
import { startSimulator } from '../local/simulator/simulator.ts';
import { appNumber } from './costs/count.ts';
import { startParameterServer } from './harness/parameter-server.ts';
import { machine, section, table, whole, writeResults } from './harness/report.ts';
import type { ScaleReport, ScaleSettings, ScaleTick } from './scale/refresher-process.ts';

/** One refresher with 1 to 10,000 apps, with its real adapters, over HTTP on this machine. Writes into docs/benchmarks.md. */

const sizes = [1, 10, 100, 1_000, 10_000];
const IDLE_TICKS = 5;

type Measured = {
  readonly apps: number;
  /** Fetches all tokens. */
  readonly first: ScaleReport;
  /** Nothing is due; the median by CPU time. */
  readonly idle: ScaleReport;
  /** Probes all tokens, which were fetched at the same time. */
  readonly probing: ScaleReport;
};

async function measure(apps: number): Promise<Measured> {
  const dynamodb = await openEmbeddedTable();
  const parameters = await startParameterServer();
  const secret = 'app-secret';
  const accounts = Array.from({ length: apps }, (_, index) => appNumber(index));
  const simulator = await startSimulator({ accounts: accounts.map(({ appId }) => ({ appId, secret })) });
  for (const { name } of accounts) parameters.put(`/wechat/secrets/${name}/app-secret`, secret);
  const settings: ScaleSettings = {
    apps,
    tableEndpoint: dynamodb.endpoint,
    tableName: dynamodb.tableName,
    parameterEndpoint: parameters.url,
    wechatUrl: simulator.url,
  };
  const script = fileURLToPath(new URL('./scale/refresher-process.ts', import.meta.url));
  const child = fork(script, { env: { PATH: process.env['PATH'], SETTINGS: JSON.stringify(settings) } });
  await once(child, 'message');
  const tick = async (message: ScaleTick): Promise<ScaleReport> => {
    child.send(message);
    const [report] = await once(child, 'message');
    return report;
  };

  const first = await tick({ passMs: 0 });
  expectAll(first, 'renewed', apps);
  const idles: ScaleReport[] = [];
  // The first half is a warm-up: code is compiled and connections are made.
  for (let count = 0; count < 2 * IDLE_TICKS; count++) idles.push(await tick({ passMs: 1_000 }));
  const idle = idles.slice(IDLE_TICKS).toSorted((one, other) => one.cpuMs - other.cpuMs)[
    Math.floor(IDLE_TICKS / 2)
  ];
  if (!idle) throw new Error('no idle tick was measured');
  expectAll(idle, 'healthy', apps);
  const probing = await tick({ passMs: 300_000 });
  expectAll(probing, 'probed', apps);

  child.kill();
  await Promise.all([dynamodb.close(), parameters.close(), simulator.close()]);
  return { apps, first, idle, probing };
}

function expectAll({ outcomes }: ScaleReport, outcome: string, apps: number): void {
  if (outcomes[outcome] !== apps) throw new Error(`not all apps are ${outcome}: ${JSON.stringify(outcomes)}`);
}

const measured: Measured[] = [];
for (const apps of sizes) {
  measured.push(await measure(apps));
  console.error(`${apps} apps: done`);
}

const columns = ['apps', 'time, ms', 'CPU, ms', 'CPU an app, ms', 'DynamoDB calls', 'memory, MB'];
const rows = (of: (each: Measured) => ScaleReport) =>
  measured.map((each) => {
    const { wallMs, cpuMs, dynamodbCalls, residentMb } = of(each);
    const perApp = (cpuMs / each.apps).toFixed(3);
    return [
      whole(each.apps),
      wallMs.toFixed(1),
      cpuMs.toFixed(1),
      perApp,
      whole(dynamodbCalls),
      whole(residentMb),
    ];
  });
writeResults(
  'benchmarks.md',
  'bench:scale',
  [
    machine(),
    section(
      'A tick in which nothing is due',
      table(
        columns,
        rows(({ idle }) => idle),
      ),
    ),
    section(
      'A tick that probes every token',
      table(
        columns,
        rows(({ probing }) => probing),
      ),
    ),
    section(
      'The first tick, which fetches every token',
      table(
        columns,
        rows(({ first }) => first),
      ),
    ),
  ].join('\n\n'),
);
