import type { Candidate } from './availability/candidate.ts';
import { chart } from './availability/chart.ts';
import { type Fault, faults, outages } from './availability/faults.ts';
import { beyondBoundSeconds, type Month, playMonth } from './availability/month.ts';
import { ours } from './availability/ours.ts';
import { plainLambda } from './availability/plain-lambda.ts';
import { sdk } from './availability/sdk.ts';
import { cacheKey, databaseRow, fetchEveryTime, jsonFile } from './availability/usual-forms.ts';
import {
  decimal,
  meanOf,
  section,
  spread,
  table,
  whole,
  writeChart,
  writeResults,
} from './harness/report.ts';
import { installClients } from './peers/sdk-packages.ts';

/** A month of faults, for this refresher and for the usual alternatives. Writes into docs/benchmarks.md. */

type OpenCandidate = () => Candidate | Promise<Candidate>;

const ourForms = [
  () => ours('**wechat-token-refresher**', 'classic'),
  () => ours('**the same, and apps report invalid tokens**', 'classic', { report: true }),
  () => ours('**the same, `"tokenApi": "stable"`**', 'stable'),
] as const;
const usualForms: readonly OpenCandidate[] = [databaseRow, cacheKey, jsonFile, fetchEveryTime];
const coWechatApi = () => sdk('co-wechat-api', 'shared store');
const sdks: readonly OpenCandidate[] = [
  coWechatApi,
  () => sdk('wechat-api', 'shared store'),
  () => sdk('node-easywechat', 'shared files'),
];
/** Concurrent processes give other results each month; ours and the models are deterministic and play one. */
const SDK_MONTHS = 3;

/** Plays `months` months with each candidate. */
async function play(
  candidates: readonly OpenCandidate[],
  faults: readonly Fault[],
  months = 1,
): Promise<Month[][]> {
  const played: Month[][] = [];
  for (const open of candidates) {
    const monthsOfOne: Month[] = [];
    for (let month = 0; month < months; month++) monthsOfOne.push(await playMonth(await open(), faults));
    console.error(`${monthsOfOne[0]?.name}: done`);
    played.push(monthsOfOne);
  }
  return played;
}

function figures(played: readonly (readonly Month[])[]): string {
  return table(
    [
      '',
      'months',
      'seconds with an invalid token',
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
        spread(months.map((month) => month.invalidSeconds)),
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
  ...(await play([...ourForms, plainLambda, ...usualForms], faults)),
  ...(await play(sdks, faults, SDK_MONTHS)),
];
const [classic, , stable] = ourForms;
const inOutages = await play([classic, stable, plainLambda, coWechatApi], outages);

writeChart('availability.svg', chart(all.flatMap((months) => months.slice(0, 1))));
writeResults(
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
      `Outages alone: ${outages.length} hours without WeChat, spread over a token's lifetime`,
      figures(inOutages),
    ),
  ].join('\n\n'),
);
