import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import { afterAll, expect, test } from 'vitest';
import { tokenStack } from '../infra/synth.ts';
import { pythonTool } from './python-tools.ts';

/** Templates for every region, by CloudFormation's own schemas of that region. cdk-nag looks at them in test/infra. */

const folder = mkdtempSync(join(tmpdir(), 'templates-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ACCOUNT = '123456789012';
const ALARMS = { alarmEmail: 'ops@example.com' };
const APPS = [
  { name: 'shop', kind: 'official-account', appId: 'wx0123456789abcdef', tickets: ['jsapi', 'wx_card'] },
  { name: 'crm', kind: 'wecom', corpId: 'ww0123456789abcdef', agentId: 1000002, tickets: ['agent_config'] },
];

/** cfn-lint has no schemas of theirs: it refuses to lint for them. */
const UNKNOWN_REGIONS = ['me-west-1'];
/** cfn-lint takes no ARN of theirs for a principal (E3512), which every key's policy has. */
const PARTITIONS_WITHOUT_PRINCIPALS = ['aws-eusc', 'aws-iso', 'aws-iso-b', 'aws-iso-e', 'aws-iso-f'];
/** W3005: CDK says again by DependsOn what a reference says already. */
const ALWAYS_IGNORED = ['W3005'];

const partitionOf = (region: string) => String(RegionInfo.get(region).partition);
const regions = RegionInfo.regions.map(({ name }) => name).filter((name) => !UNKNOWN_REGIONS.includes(name));

/** Writes a template that says itself for which region it is linted, so that one process lints many. */
function write(
  region: string,
  variant: string,
  template: object,
  ignored: string[] = ALWAYS_IGNORED,
): string {
  const path = join(folder, `${region}-${variant}.json`);
  const Metadata = { 'cfn-lint': { config: { regions: [region], ignore_checks: ignored } } };
  writeFileSync(path, JSON.stringify({ ...template, Metadata }));
  return path;
}

function synth(region: string, wechat: object): object {
  return Template.fromStack(
    tokenStack({ wechat: { apps: APPS, ...wechat }, env: { account: ACCOUNT, region } }),
  ).toJSON();
}

function templateOf(region: string, variant: string, wechat: object): string {
  const isUnknown = PARTITIONS_WITHOUT_PRINCIPALS.includes(partitionOf(region));
  return write(region, variant, synth(region, wechat), [...ALWAYS_IGNORED, ...(isUnknown ? ['E3512'] : [])]);
}

/** @returns what it finds, warnings included, a line each that begins with the template's path */
async function cfnLint(templates: string[]): Promise<{ code: unknown; findings: string }> {
  const child = spawn(pythonTool('cfn-lint'), ['--format', 'parseable', '--', ...templates]);
  let findings = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (findings += chunk));
  return { code: await new Promise((resolve) => child.once('close', resolve)), findings };
}

test('every region', async () => {
  const half = Math.ceil(regions.length / 2);
  // The first half is linted while the second is synthesized.
  const runs = [regions.slice(0, half), regions.slice(half)].map((some) =>
    cfnLint(some.map((region) => templateOf(region, 'default', ALARMS))),
  );
  expect(regions.length).toBeGreaterThan(40);
  for (const run of runs) expect(await run).toEqual({ code: 0, findings: '' });
});

test('every egress mode and a key of the customer, in regions that differ', async () => {
  const runs = [
    ['us-east-1', 'cn-north-1'],
    ['ap-southeast-5', 'us-gov-west-1'],
  ].map((some) =>
    cfnLint(
      some.flatMap((region) => [
        templateOf(region, 'nat-gateway', { ...ALARMS, egress: { mode: 'nat-gateway' } }),
        templateOf(region, 'nat-instance', { ...ALARMS, egress: { mode: 'nat-instance' } }),
        templateOf(region, 'proxy', {
          ...ALARMS,
          egress: { mode: 'proxy', proxyUrlParameter: '/net/proxy' },
        }),
        templateOf(region, 'own-key', {
          kmsKeyArn: `arn:${partitionOf(region)}:kms:${region}:${ACCOUNT}:key/0123`,
        }),
      ]),
    ),
  );
  for (const run of runs) expect(await run).toEqual({ code: 0, findings: '' });
});

test('no ARN is of another partition', () => {
  for (const partition of ['aws-cn', 'aws-us-gov', 'aws-eusc', 'aws-iso']) {
    const region = RegionInfo.regions.find((each) => each.partition === partition)?.name ?? '';
    const partitions = JSON.stringify(synth(region, { egress: { mode: 'nat-gateway' } })).match(
      /arn:aws[^:]*/g,
    );
    expect([...new Set(partitions)]).toEqual([`arn:${partition}`]);
  }
});

test('what a region lacks is found', async () => {
  const Url = { Type: 'AWS::Lambda::Url', Properties: { AuthType: 'AWS_IAM', TargetFunctionArn: 'f' } };
  const templates = ['me-central-1', 'us-east-1'].map((region) =>
    write(region, 'wrong', { Resources: { Url } }),
  );
  const { code, findings } = await cfnLint(templates);
  expect(code).not.toBe(0);
  expect(findings).toContain("Resource type 'AWS::Lambda::Url' does not exist in 'me-central-1'");
  expect(findings).not.toContain('us-east-1');
});

test.each(UNKNOWN_REGIONS)(
  'cfn-lint still does not know %s, and the stack synthesizes there',
  async (region) => {
    const { code, findings } = await cfnLint([templateOf(region, 'default', ALARMS)]);
    expect(code).not.toBe(0);
    expect(findings).toContain(`Regions ['${region}'] are unsupported`);
  },
);

test('cfn-lint still takes no ARN for a principal in these partitions, and finds nothing else', async () => {
  const templates = PARTITIONS_WITHOUT_PRINCIPALS.map((partition) => {
    const region = RegionInfo.regions.find((each) => each.partition === partition)?.name ?? '';
    return write(region, 'strict', synth(region, ALARMS));
  });
  const { findings } = await cfnLint(templates);
  const found = findings.match(/(?<=\/)[^/]*(?=-strict\.json:)|:[EW]\d{4}:/g);
  expect([...new Set(found)].sort()).toEqual([
    ':E3512:',
    'eu-isoe-west-1',
    'eusc-de-east-1',
    'us-iso-east-1',
    'us-isob-east-1',
    'us-isof-east-1',
  ]);
});
