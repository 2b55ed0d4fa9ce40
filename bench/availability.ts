import { installClients } from '../test/support/install-clients.ts';
import type { Contender } from './availability/contender.ts';
import { type Fault, faults, outages } from './availability/faults.ts';
import { beyondBoundSeconds, type Month, playMonth } from './availability/month.ts';
import { ours } from './availability/ours.ts';
import { picture } from './availability/picture.ts';
import { plainLambda } from './availability/plain-lambda.ts';
import { sdk } from './availability/sdk.ts';
import { cacheKey, databaseRow, fetchEveryTime, jsonFile } from './availability/usual-forms.ts';
import { section, table, whole } from './report/markdown.ts';
import { writeMeasured, writePicture } from './report/page.ts';

/** A month of faults for us and for what people do otherwise; every figure is counted, and the same in each run. */

type Open = () => Contender | Promise<Contender>;

const oursInEachWay = [
  () => ours('**wechat-token-refresher**', 'classic'),
  () => ours('**the same, and apps report dead tokens**', 'classic', { report: true }),
  () => ours('**the same, `"tokenApi": "stable"`**', 'stable'),
] as const;
const usualForms: readonly Open[] = [databaseRow, cacheKey, jsonFile, fetchEveryTime];
const coWechatApi = () => sdk('co-wechat-api', 'shared store');
const otherSdks: readonly Open[] = [
  () => sdk('wechat-api', 'shared store'),
  () => sdk('node-easywechat', 'shared files'),
];

async function play(contenders: readonly Open[], month: readonly Fault[]): Promise<Month[]> {
  const months: Month[] = [];
  for (const open of contenders) {
    const played = await playMonth(await open(), month);
    console.error(`${played.name}: done`);
    months.push(played);
  }
  return months;
}

function figures(months: readonly Month[]): string {
  return table(
    [
      '',
      'seconds with a dead token',
      'of them beyond 6 minutes at a time',
      `failed of ${whole(months[0]?.calls ?? 0)} calls`,
      'calls of the token interface',
      'probes',
    ],
    months.map((month) => [
      month.name,
      whole(month.deadSeconds),
      whole(beyondBoundSeconds(month)),
      `${whole(month.failedCalls)} (${((100 * month.failedCalls) / month.calls).toFixed(2)} %)`,
      whole(month.tokenCalls),
      month.probes > 0 ? whole(month.probes) : '',
    ]),
  );
}

await installClients();
const all = await play([...oursInEachWay, plainLambda, ...usualForms, coWechatApi, ...otherSdks], faults);
const [classic, , stable] = oursInEachWay;
const inOutages = await play([classic, stable, plainLambda, coWechatApi], outages);

writePicture('availability.svg', picture(all));
writeMeasured(
  'benchmarks.md',
  'bench:availability',
  [
    '![A month with faults, minute by minute](pictures/availability.svg)',
    figures(all),
    section(
      'The faults, in UTC',
      table(
        ['day', 'time', 'what'],
        faults.map(({ day, time, what }) => [whole(day), time, what]),
      ),
    ),
    section(
      `Outages alone: ${outages.length} hours out of reach, at any moment of a token's life`,
      figures(inOutages),
    ),
  ].join('\n\n'),
);
