import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { toItem } from '../../functions/aws/record-item.ts';
import { blankRecord } from '../../functions/core/credential.ts';
import { reasons } from '../../functions/core/renewal.ts';

const ROOT = new URL('../../', import.meta.url);
const page = readFileSync(new URL('docs/architecture.md', ROOT), 'utf8');

/** The names in the first column of a section's tables; one cell may hold several. */
function firstCells(section: string): string[] {
  const text = page.split(`\n## ${section}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...text.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) =>
    [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''),
  );
}

test('docs/architecture.md explains every reason that an answer can give, and no other', () => {
  const outcomes = ['fresh', 'renewed', 'unchanged', 'mirrored', 'busy', 'backing-off', 'too-soon', 'failed'];
  expect(firstCells('Reasons')).toEqual([...outcomes, ...reasons]);
});

test("docs/architecture.md explains every attribute of the table's item, and no other", () => {
  const value = {
    value: 'v',
    fingerprint: 'f',
    account: 'wx1',
    issuedAt: 1,
    expiresAt: 2,
    renewedAt: 1,
    confirmedAt: 1,
  };
  const failure = {
    count: 1,
    kind: 'quota',
    code: '1',
    message: 'm',
    at: 1,
    attemptFingerprint: 'a',
  } as const;
  const full = {
    ...blankRecord('shop/access-token'),
    current: value,
    previous: { fingerprint: 'p', validUntil: 3 },
    failure,
  };
  expect(firstCells("The table's item").toSorted()).toEqual(Object.keys(toItem(full)).toSorted());
});

test('the files that the way of a tick names exist', () => {
  const files = [...page.matchAll(/^\d+\. .*?`(functions\/[^`]+\.ts)`/gm)].map(([, file]) => file ?? '');
  expect(files.length).toBeGreaterThan(8);
  expect(files.filter((file) => !existsSync(fileURLToPath(new URL(file, ROOT))))).toEqual([]);
});
