import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * `npm run check:words`: the few words that must not come back, and links and citations that lead nowhere. A short list,
 * not a spell checker.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const retired: readonly (readonly [word: RegExp, instead: string])[] = [
  [/\bops\b(?!@)/i, 'operators'],
  [/\b(somebody|whoever|nobody|everybody)\b/i, 'another client, a caller, no caller'],
  [/\bstrangers?\b/i, 'another client, a caller'],
  [/\bstands? in for\b/i, 'falls back to, replaces'],
  [/\bway out\b|\bWayOut\b/, 'egress; remedy'],
  [/\bthe truth\b/i, 'the source of truth'],
  [/\bin doubt\b|InDoubt\b/, 'validity unknown'],
  [/\b(lend|lends|lent|lending)\b/i, 'serve'],
  [/\btold of\b|\btells? of\b/i, 'notify, report'],
  [/\bformer(ly)?\b/i, 'previous'],
  [/\bcomeBackAt\b|\bsaidToBeDead\b|\bfoundDead\b/, 'requeueAt, wasRejected, rejectedFingerprint'],
  [/外人|原样的/, '第三方程序, 未经修改的'],
  [
    /\b(WECHAT|DESIGN|FIELD|CREDENTIALS|VOCABULARY|STYLE|AWS)\.md\b/,
    'docs/wechat.md, docs/architecture.md or an official URL',
  ],
];

const SELF = 'test/check-words-and-links.ts';
const files = execFileSync(
  'git',
  ['ls-files', '-co', '--exclude-standard', '*.ts', '*.js', '*.md', '*.json'],
  {
    cwd: ROOT,
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter(
    (file) => file && file !== SELF && !/package-lock\.json$/.test(file) && existsSync(join(ROOT, file)),
  );
const text = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** GitHub's own rule: lower case, without punctuation, blanks as hyphens. */
function anchorsOf(markdown: string): Set<string> {
  const seen = new Map<string, number>();
  return new Set(
    [...markdown.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
      const anchor = heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-');
      const count = seen.get(anchor) ?? 0;
      seen.set(anchor, count + 1);
      return count === 0 ? anchor : `${anchor}-${count}`;
    }),
  );
}

function brokenTarget(from: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? from : normalize(join(dirname(from), path));
  if (!existsSync(join(ROOT, file))) return true;
  return (
    anchor !== undefined && file.endsWith('.md') && !anchorsOf(text(file)).has(decodeURIComponent(anchor))
  );
}

const problems: string[] = [];
for (const file of files) {
  const content = text(file);
  for (const [index, line] of content.split('\n').entries()) {
    for (const [word, instead] of retired) {
      const found = word.exec(line);
      if (found) problems.push(`${file}:${index + 1}: '${found[0]}' is retired; write: ${instead}`);
    }
    // A citation in code, or in prose: docs/<page>.md, with or without an anchor.
    for (const [cited] of line.matchAll(/(?<![\w/.-])docs\/[\w/-]+(\.\w+)?(#[\w-]+)?/g)) {
      if (brokenTarget('README.md', cited)) problems.push(`${file}:${index + 1}: ${cited} is not there`);
    }
    if (!file.endsWith('.md')) continue;
    for (const [, target = ''] of line.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)) {
      if (brokenTarget(file, target)) problems.push(`${file}:${index + 1}: the link ${target} leads nowhere`);
    }
  }
}
for (const problem of problems) console.error(problem);
console.log(`Checked the words and links of ${files.length} files: ${problems.length} problems.`);
process.exitCode = problems.length > 0 ? 1 : 0;
