import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { errorCodes } from '../../functions/core/errors.ts';
import { repositoryUrl, runbookEntries, runbookUrl } from '../../functions/core/reporting/runbook.ts';
import { officialErrorCodes } from '../../functions/wechat/official-error-codes.ts';
import { wecomErrorCodes } from '../../functions/wechat/wecom-error-codes.ts';

/** The runbook has an entry for everything that operators may be shown. */

const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
const headings = [...runbook.matchAll(/^#{2,3} (.+)$/gm)].map(([, heading]) => heading ?? '');
/** One heading may name several codes. */
const entries = new Set(headings.flatMap((heading) => heading.split(', ')));
const anchors = new Set(headings.map(anchorOf));

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

test.each(runbookEntries)('#%s, which messages link to, is an entry with all of its parts', (anchor) => {
  const entry = runbook.split(/^### /m).find((text) => anchorOf(text.split('\n')[0] ?? '') === anchor);
  for (const part of ['Description', 'Investigation', 'Resolution']) {
    expect(entry, part).toContain(`**${part}.**`);
  }
});

describe('every errcode that the refresher understands has an entry', () => {
  const codes = new Set(
    [officialErrorCodes, wecomErrorCodes].flatMap(({ byCode, ofTokenCalls }) => [
      ...Object.keys(byCode),
      ...Object.keys(ofTokenCalls),
    ]),
  );

  test.each([...codes])('%s', (code) => expect(entries).toContain(code));
});

/** Of Node and undici, as they were met: their lists have many more. */
const networkCodes = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_PRX_CONN',
  'UND_ERR_PRX_TLS',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_SSL_WRONG_VERSION_NUMBER',
];

test('every code of our own, and of the network, has an entry', () => {
  const sources = globSync('functions/{core,wechat,aws}/**/*.ts').map((file) => readFileSync(file, 'utf8'));
  const codes = new Set<string>([
    ...Object.values(errorCodes),
    ...networkCodes,
    ...sources.flatMap((source) =>
      [
        ...source.matchAll(/\bcode: '([a-z]+(?:-[a-z]+)*)'/g),
        ...source.matchAll(/new RetryableError\(\s*['`]([^'`]+)/g),
      ].map(([, code]) => (code ?? '').replace(/\$\{\w+\}/, 'NNN')),
    ),
  ]);
  // Zod's code for a check of ours.
  codes.delete('custom');
  expect(codes.size).toBeGreaterThan(20);
  expect([...codes].filter((code) => !entries.has(code))).toEqual([]);
});

test('a link is a whole URL, in the repository that package.json names', () => {
  expect(runbookUrl('expiring')).toBe(
    'https://github.com/wechat-token-refresher/wechat-token-refresher/blob/main/docs/runbook.md#expiring',
  );
  const { repository } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(repository.url).toBe(`git+${repositoryUrl}.git`);
});

test('every link within the runbook leads somewhere', () => {
  const targets = [...runbook.matchAll(/\]\(#([^)]+)\)/g)].map(([, target]) => target ?? '');
  expect(targets.filter((target) => !anchors.has(target))).toEqual([]);
});
