import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openEmbeddedTable } from '../local/embedded-table.ts';
import { startSimulator } from '../local/simulator/simulator.ts';
import { startParameterServer } from '../test/support/parameter-server.ts';
import { appNumber } from './costs/count.ts';
import { machine } from './report/machine.ts';
import { section, table, whole } from './report/markdown.ts';
import { writeMeasured } from './report/page.ts';
import type { ScaleOrder, ScaleReport, ScaleSettings } from './scale/refresher.ts';

/** One refresher with 1 to 10,000 apps, with its real adapters, over HTTP on this machine. */

const sizes = [1, 10, 100, 1_000, 10_000];
const IDLE_TICKS = 5;

type Measured = {
  readonly apps: number;
  /** All tokens are fetched. */
  readonly first: ScaleReport;
  /** Nothing is due; the median by time. */
  readonly idle: ScaleReport;
  /** All tokens are asked about at once, for they were fetched at once. */
  readonly probing: ScaleReport;
};

async function measure(apps: number): Promise<Measured> {
  const dynamodb = await openEmbeddedTable();
  const parameters = await startParameterServer();
  const secret = 'app-secret';
  const all = Array.from({ length: apps }, (_, index) => appNumber(index));
  const simulator = await startSimulator({ accounts: all.map(({ appId }) => ({ appId, secret })) });
  for (const { name } of all) parameters.put(`/wechat/secrets/${name}/app-secret`, secret);
  const settings: ScaleSettings = {
    apps,
    tableEndpoint: dynamodb.endpoint,
    tableName: dynamodb.tableName,
    parameterEndpoint: parameters.url,
    wechatUrl: simulator.url,
  };
  const script = fileURLToPath(new URL('./scale/refresher.ts', import.meta.url));
  const child = fork(script, { env: { PATH: process.env['PATH'], SETTINGS: JSON.stringify(settings) } });
  await once(child, 'message');
  const tick = async (order: ScaleOrder): Promise<ScaleReport> => {
    child.send(order);
    const [report] = await once(child, 'message');
    return report;
  };

  const first = await tick({ passMs: 0 });
  expectAll(first, 'renewed', apps);
  const idles: ScaleReport[] = [];
  // The first few find code that is not compiled yet and connections that are not made.
  for (let count = 0; count < 2 * IDLE_TICKS; count++) idles.push(await tick({ passMs: 1_000 }));
  const idle = idles.slice(IDLE_TICKS).toSorted((one, other) => one.cpuMs - other.cpuMs)[2];
  if (!idle) throw new Error('no idle tick was measured');
  expectAll(idle, 'healthy', apps);
  const probing = await tick({ passMs: 300_000 });
  expectAll(probing, 'probed', apps);

  child.kill();
  await Promise.all([dynamodb.close(), parameters.close(), simulator.close()]);
  return { apps, first, idle, probing };
}

function expectAll({ outcomes }: ScaleReport, outcome: string, apps: number): void {
  if (outcomes[outcome] !== apps) throw new Error(`not all are ${outcome}: ${JSON.stringify(outcomes)}`);
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
writeMeasured(
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
      'A tick in which every token is asked about',
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
