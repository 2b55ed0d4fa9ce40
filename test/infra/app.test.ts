import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { cdkJson } from './synth.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const outdir = mkdtempSync(join(tmpdir(), 'app-test-'));
afterAll(() => rmSync(outdir, { recursive: true }));

/** What the CDK CLI does with the `app` of cdk.json, minus its own start-up. */
function runApp(context: object, environment: Record<string, string> = {}) {
  const { PATH = '', HOME = '' } = process.env;
  return spawnSync(process.execPath, ['infra/app.ts'], {
    cwd: project,
    encoding: 'utf8',
    env: {
      PATH,
      HOME,
      CDK_OUTDIR: outdir,
      // The bundles are tested in bundle.test.ts.
      CDK_CONTEXT_JSON: JSON.stringify({ ...cdkJson.context, 'aws:cdk:bundling-stacks': [], ...context }),
      ...environment,
    },
  });
}

const manifest = () => readFileSync(join(outdir, 'manifest.json'), 'utf8');

test('synth needs neither account nor region', () => {
  expect(runApp({ appId: 'wx0123456789abcdef' })).toMatchObject({ status: 0 });
  expect(manifest()).toContain('aws://unknown-account/unknown-region');
});

test('the stack goes where the CLI points, under the name it is given', () => {
  const environment = { CDK_DEFAULT_ACCOUNT: '123456789012', CDK_DEFAULT_REGION: 'ap-southeast-1' };
  expect(runApp({ appId: 'wx0123456789abcdef', stackName: 'Second' }, environment)).toMatchObject({
    status: 0,
  });
  expect(manifest()).toContain('aws://123456789012/ap-southeast-1');
  expect(manifest()).toContain('"Second"');
});

describe('the CDK CLI prints what is wrong without a stack trace, and fails', () => {
  test.each([
    ['no configuration', [], /^ {2}wechat\.apps: no account is configured; .*-c appId=wx/m],
    ['a bad one', ['-c', 'wechat={"apps":[]}'], /^ {2}wechat\.apps: expected at least one app$/m],
  ])('%s', (_name, context, printed) => {
    const { PATH = '' } = process.env;
    const { status, stdout, stderr } = spawnSync(
      join(project, 'node_modules/.bin/cdk'),
      ['synth', '--no-notices', '--output', outdir, ...context],
      {
        cwd: project,
        encoding: 'utf8',
        env: { PATH, HOME: outdir, CDK_DISABLE_CLI_TELEMETRY: 'true' },
      },
    );
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(printed);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

test('cdk.json holds the command and feature flags, and no accounts', () => {
  expect(cdkJson.app).toBe('npx node infra/app.ts');
  expect(Object.keys(cdkJson.context).filter((key) => !key.startsWith('@aws-cdk'))).toEqual([]);
});
