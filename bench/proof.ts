import { catchBugs, MAX_STORIES } from '../test/proof/catch-bugs.ts';
import { tryEveryPoint } from '../test/proof/crash-points.ts';
import { anyStoryHeals } from '../test/proof/model/property.ts';
import { stories } from '../test/proof/stories.ts';
import { section, table, whole } from './report/markdown.ts';
import { writeMeasured } from './report/page.ts';

/** How much was tried to lose a token: every crash point, many drawn stories, and bugs that must be found. */

const DRAWN_STORIES = 10_000;

async function crashPoints(): Promise<string> {
  const rows: [string, number, number, number][] = [];
  for (const story of stories) {
    const { calls, points, violations } = await tryEveryPoint(story);
    rows.push([story.name, calls, points, violations.length]);
  }
  const sum = (column: 1 | 2 | 3) => rows.reduce((total, row) => total + row[column], 0);
  return table(
    ['story', 'calls', 'points', 'violations'],
    [...rows, ['**all**', sum(1), sum(2), sum(3)] as const].map(([story, ...counts]) => [
      story,
      ...counts.map(whole),
    ]),
  );
}

async function drawnStories(): Promise<string> {
  const seed = Date.now() & 0x7fffffff;
  const { runs, events, upstreamCalls, healingTicks } = await anyStoryHeals({ numRuns: DRAWN_STORIES, seed });
  return [
    `${whole(runs)} stories with ${whole(events)} events and ${whole(upstreamCalls)} calls to WeChat (seed ${seed}): no violation.`,
    `When everything worked again, all had healed with the ${healingTicks}th tick at the latest.`,
  ].join('\n');
}

async function caughtBugs(): Promise<string> {
  const caught = await catchBugs();
  return table(
    ['bug', 'put into', 'caught by story'],
    caught.map(({ bug, file, stories }) => [
      bug,
      file && `\`${file}\``,
      stories === null ? `not in ${whole(MAX_STORIES)}` : whole(stories),
    ]),
  );
}

writeMeasured(
  'benchmarks.md',
  'bench:proof',
  [
    section('Every crash point', await crashPoints()),
    section('Drawn stories', await drawnStories()),
    section('Bugs that the model must catch', await caughtBugs()),
  ].join('\n\n'),
);
