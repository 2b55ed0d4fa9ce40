import { installClients } from '../test/support/install-clients.ts';
import type { Candidate } from './availability/candidate.ts';
import { picture } from './availability/chart.ts';
import { type Fault, faults, outages } from './availability/faults.ts';
import { beyondBoundSeconds, type Month, playMonth } from './availability/month.ts';
import { ours } from './availability/ours.ts';
import { plainLambda } from './availability/plain-lambda.ts';
import { sdk } from './availability/sdk.ts';
import { cacheKey, databaseRow, fetchEveryTime, jsonFile } from './availability/usual-forms.ts';
import { decimal, meanOf, section, spread, table, whole } from './report/markdown.ts';
import { writeMeasured, writePicture } from './report/page.ts';

/** A month of faults for us and for what people do otherwise. */

type Open = () => Candidate | Promise<Candidate>;

const oursInEachWay = [
  () => ours('**wechat-token-refresher**', 'classic'),
  () => ours('**the same, and apps report dead tokens**', 'classic', { report: true }),
  () => ours('**the same, `"tokenApi": "stable"`**', 'stable'),
] as const;
const usualForms: readonly Open[] = [databaseRow, cacheKey, jsonFile, fetchEveryTime];
const coWechatApi = () => sdk('co-wechat-api', 'shared store');
const sdks: readonly Open[] = [
  coWechatApi,
  () => sdk('wechat-api', 'shared store'),
  () => sdk('node-easywechat', 'shared files'),
];
/** What real processes do at once is another thing each time; we and the models do the same in each month. */
const SDK_MONTHS = 3;

/** The months that each of them plays, with the faults that it meets. */
async function play(candidates: readonly Open[], met: readonly Fault[], months = 1): Promise<Month[][]> {
  const played: Month[][] = [];
  for (const open of candidates) {
    const ofOne: Month[] = [];
    for (let month = 0; month < months; month++) ofOne.push(await playMonth(await open(), met));
    console.error(`${ofOne[0]?.name}: done`);
    played.push(ofOne);
  }
  return played;
}

function figures(played: readonly (readonly Month[])[]): string {
  return table(
    [
      '',
      'months',
      'seconds with a dead token',
      'of them beyond 6 minutes at a time',
      `failed of ${whole(played[0]?.[0]?.calls ?? 0)} calls`,
      'in %',
      'calls of the token interface',
      'probes',
    ],
    played.map((months) => {
      const probes = months.map((month) => month.probes);
      return [
        months[0]?.name ?? '',
        whole(months.length),
        spread(months.map((month) => month.deadSeconds)),
        spread(months.map(beyondBoundSeconds)),
        spread(months.map((month) => month.failedCalls)),
        decimal(meanOf(months.map((month) => (100 * month.failedCalls) / month.calls))),
        spread(months.map((month) => month.tokenCalls)),
        Math.max(...probes) > 0 ? spread(probes) : '',
      ];
    }),
  );
}

await installClients();
const all = [
  ...(await play([...oursInEachWay, plainLambda, ...usualForms], faults)),
  ...(await play(sdks, faults, SDK_MONTHS)),
];
const [classic, , stable] = oursInEachWay;
const inOutages = await play([classic, stable, plainLambda, coWechatApi], outages);

writePicture('availability.svg', picture(all.flatMap((months) => months.slice(0, 1))));
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
