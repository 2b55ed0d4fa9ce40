import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { errorCodes } from '../../functions/core/errors.ts';
import { type ErrorCodeTable, toSourceError } from '../../functions/wechat/error-codes.ts';
import { officialErrorCodes } from '../../functions/wechat/official-error-codes.ts';
import { wecomErrorCodes } from '../../functions/wechat/wecom-error-codes.ts';
import { shop } from '../support/apps.ts';

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

// Alarms link to these: infra/constructs/monitoring/.
test.each([
  'expiring',
  'failures-in-a-row',
  'unexpected-rotation',
  'quota-near',
  'refresher-errors',
  'refresher-throttles',
  'dead-letters',
  'read-errors',
  'read-latency',
])('the alarm #%s has an entry with all of its parts', (anchor) => {
  const entry = runbook.split(/^### /m).find((text) => anchorOf(text.split('\n')[0] ?? '') === anchor);
  for (const part of ['Description', 'Investigation', 'Resolution']) {
    expect(entry, part).toContain(`**${part}.**`);
  }
});

describe('every errcode that the refresher understands has an entry', () => {
  const known = ({ byCode, ipNotAllowed }: ErrorCodeTable) => [
    ...Object.keys(byCode),
    String(ipNotAllowed.errcode),
  ];
  const aboutTokens = Array.from({ length: 3_000 }, (_, index) => 40_000 + index)
    .filter(
      (errcode) =>
        toSourceError(
          { app: shop, calledWith: 'access-token' },
          { errcode, errmsg: '' },
          false,
          officialErrorCodes,
        ).rejectedCredential === 'access-token',
    )
    .map(String);
  const codes = new Set([...known(officialErrorCodes), ...known(wecomErrorCodes), ...aboutTokens]);

  test.each([...codes])('%s', (code) => expect(entries).toContain(code));
});

test('every code of our own has an entry', () => {
  const sources = globSync('functions/{core,wechat,aws}/**/*.ts').map((file) => readFileSync(file, 'utf8'));
  const codes = new Set<string>([
    ...Object.values(errorCodes),
    ...sources.flatMap((source) =>
      [
        ...source.matchAll(/\bcode: '([a-z]+(?:-[a-z]+)*)'/g),
        ...source.matchAll(/new RetryableError\(\s*['`]([^'`]+)/g),
        ...source.matchAll(/^ {2}'([A-Z][A-Z_]+)',$/gm),
      ].map(([, code]) => (code ?? '').replace(/\$\{\w+\}/, 'NNN')),
    ),
  ]);
  // Zod's code for a check of ours.
  codes.delete('custom');
  expect(codes.size).toBeGreaterThan(20);
  expect([...codes].filter((code) => !entries.has(code))).toEqual([]);
});

test('every link within the runbook leads somewhere', () => {
  const targets = [...runbook.matchAll(/\]\(#([^)]+)\)/g)].map(([, target]) => target ?? '');
  expect(targets.filter((target) => !anchors.has(target))).toEqual([]);
});
