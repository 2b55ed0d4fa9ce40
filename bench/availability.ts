import { installClients } from '../test/support/install-clients.ts';
import type { Contender } from './availability/contender.ts';
import { faults } from './availability/faults.ts';
import { beyondBoundSeconds, type Month, playMonth } from './availability/month.ts';
import { ours } from './availability/ours.ts';
import { picture } from './availability/picture.ts';
import { plainLambda } from './availability/plain-lambda.ts';
import { sdk } from './availability/sdk.ts';
import { cacheKey, databaseRow, fetchEveryTime, jsonFile } from './availability/usual-forms.ts';
import { table, whole } from './report/markdown.ts';
import { writeMeasured, writePicture } from './report/page.ts';

/** A month of faults for us and for what people do otherwise; every figure is counted, and the same in each run. */

const inMemory: readonly (() => Contender)[] = [
  () => ours('**wechat-token-refresher**', 'classic'),
  () => ours('**the same, and apps report dead tokens**', 'classic', { report: true }),
  () => ours('**the same, `"tokenApi": "stable"`**', 'stable'),
  plainLambda,
  databaseRow,
  cacheKey,
  jsonFile,
  fetchEveryTime,
];
const sdks: readonly (() => Promise<Contender>)[] = [
  () => sdk('co-wechat-api', 'co-wechat-api 3.11.0, shared store'),
  () => sdk('wechat-api', 'wechat-api 1.35.1, shared store'),
  () => sdk('node-easywechat', 'node-easywechat 3.6.2, shared files'),
];

await installClients();
const months: Month[] = [];
for (const open of [...inMemory, ...sdks]) {
  const month = await playMonth(await open());
  console.error(`${month.name}: done`);
  months.push(month);
}

const rows = months.map((month) => [
  month.name,
  whole(month.deadSeconds),
  whole(beyondBoundSeconds(month)),
  `${whole(month.failedCalls)} (${((100 * month.failedCalls) / month.calls).toFixed(2)} %)`,
  whole(month.tokenCalls),
  month.probes > 0 ? whole(month.probes) : '',
]);
writePicture('availability.svg', picture(months));
writeMeasured(
  'benchmarks.md',
  'bench:availability',
  [
    '![A month with faults, minute by minute](pictures/availability.svg)',
    table(
      [
        '',
        'seconds with a dead token',
        'of them beyond 6 minutes at a time',
        `failed of ${whole(months[0]?.calls ?? 0)} calls`,
        'calls of the token interface',
        'probes',
      ],
      rows,
    ),
    'The faults, in UTC:',
    table(
      ['day', 'time', 'what'],
      faults.map(({ day, time, what }) => [whole(day), time, what]),
    ),
  ].join('\n\n'),
);
