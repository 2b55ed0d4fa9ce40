import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const refused = [
  ['functions/core', '../aws/record-item.ts'],
  ['functions/core', '../http/http-types.ts'],
  ['functions/core', '../wechat/client.ts'],
  ['functions/core', '../refresher.ts'],
  ['functions/core', '@aws-sdk/client-dynamodb'],
  ['functions/core', 'undici'],
  ['functions/core', 'node:fs'],
  ['functions/core/rules', '../../aws/record-item.ts'],
  ['functions/core/steps', '../../deployment.ts'],
  ['functions/core/steps', 'node:fs'],
  ['functions/core/reporting', '@aws-lambda-powertools/metrics'],
  ['functions/aws', '../wechat/client.ts'],
  ['functions/aws', '../events/refresh-event.ts'],
  ['functions/events', '../aws/record-item.ts'],
  ['functions/http', '../aws/record-item.ts'],
  ['functions/http/wechat-compatible', '../../aws/record-item.ts'],
  ['functions/wechat', '../http/http-types.ts'],
  ['functions/wechat', '../../infra/config.ts'],
  ['functions', '../infra/config.ts'],
  ['functions', '../local/server.ts'],
  ['infra', '../test/support/apps.ts'],
  ['infra/constructs', '../../local/start.ts'],
  ['cli', '../local/server.ts'],
  ['cli', '../test/support/apps.ts'],
  ['cli/commands', '../../local/simulator/simulator.ts'],
  ['local', '../cli/format.ts'],
  ['local', '../test/support/apps.ts'],
  ['local/simulator', '../../gateway/relay.ts'],
  ['bench', '../test/proof/catch-bugs.ts'],
  ['bench/harness', '../../test/support/apps.ts'],
] as const;

const allowed = [
  ['functions/core', './credential.ts'],
  ['functions/core', './rules/lifetimes.ts'],
  ['functions/core', 'p-limit'],
  ['functions/core', 'node:crypto'],
  ['functions/core/rules', '../credential.ts'],
  ['functions/core/steps', '../rules/transitions.ts'],
  ['functions/aws', '../core/credential.ts'],
  ['functions/aws', './record-item.ts'],
  ['functions/aws', '@aws-sdk/client-dynamodb'],
  ['functions/http/wechat-compatible', '../http-types.ts'],
  ['functions/http/wechat-compatible', '../../core/credential.ts'],
  ['functions', './core/credential.ts'],
  ['functions', './aws/record-item.ts'],
  ['cli', '../functions/refresher.ts'],
  ['local', '../functions/refresher.ts'],
  ['local', './simulator/simulator.ts'],
  ['bench', './harness/world.ts'],
  ['bench/harness', '../../local/simulator/simulator.ts'],
  ['test/unit', '../../bench/harness/world.ts'],
] as const;

/** Lints one file an import, each where it would stand, with the project's own rules; returns what they refuse. */
function refusedImports(imports: readonly (readonly [folder: string, from: string])[]): string[] {
  const root = mkdtempSync(join(tmpdir(), 'import-direction-'));
  try {
    const biome = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8'));
    writeFileSync(join(root, 'biome.json'), JSON.stringify({ ...biome, vcs: { enabled: false } }));
    imports.forEach(([folder, from], index) => {
      const file = join(root, folder, `probe-${index}.ts`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `import * as imported from '${from}';\n\nexport { imported };\n`);
    });
    const lint = spawnSync(
      join(ROOT, 'node_modules/.bin/biome'),
      ['lint', '--only=style/noRestrictedImports', '--max-diagnostics=none', '--colors=off', '.'],
      { cwd: root, encoding: 'utf8' },
    );
    const found = new Set(lint.stdout.concat(lint.stderr).match(/probe-\d+(?=\.ts:\d+:\d+ lint)/g));
    return imports.filter((_, index) => found.has(`probe-${index}`)).map((each) => each.join(' imports '));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test('imports point towards core, and `npm run check` refuses the others', () => {
  expect(refusedImports([...refused, ...allowed])).toEqual(refused.map((each) => each.join(' imports ')));
});
