/** Where the project is to be published: until then no link of it opens. package.json says the same. */
export const repositoryUrl = 'https://github.com/wechat-token-refresher/wechat-token-refresher';

/** The headings of docs/runbook.md that messages link to, as GitHub writes their anchors. */
export const runbookEntries = [
  'expiring',
  'failures-in-a-row',
  'unexpected-rotation',
  'quota-near',
  'refresher-errors',
  'refresher-throttles',
  'dead-letters',
  'read-errors',
  'read-latency',
] as const;

export type RunbookEntry = (typeof runbookEntries)[number];

/** A link from a mail or a terminal, where a path within the repository would lead nowhere. */
export const runbookPage = `${repositoryUrl}/blob/main/docs/runbook.md`;

export function runbookUrl(entry: RunbookEntry): string {
  return `${runbookPage}#${entry}`;
}
