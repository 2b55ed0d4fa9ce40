import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, expect, test } from 'vitest';
import { tokenStack } from '../infra/synth.ts';
import { pythonTool } from './python-tools.ts';

/** Every template that we can make, by CloudFormation's own schemas of each region. cdk-nag looks at them in test/infra. */

const folder = mkdtempSync(join(tmpdir(), 'templates-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const egresses = [
  { mode: 'direct' },
  { mode: 'nat-gateway' },
  { mode: 'nat-instance' },
  { mode: 'proxy', proxyUrlParameter: '/net/proxy-url' },
];
const ACCOUNT = '123456789012';

/** @returns what it finds, warnings included, but for W3005: CDK says again by DependsOn what a reference says already */
async function cfnLint(region: string, templates: string[]): Promise<{ code: unknown; findings: string }> {
  const options = ['--regions', region, '--ignore-checks', 'W3005'];
  const child = spawn(pythonTool('cfn-lint'), [...options, '--', ...templates]);
  let findings = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (findings += chunk));
  return { code: await new Promise((resolve) => child.once('close', resolve)), findings };
}

function write(name: string, template: object): string {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify(template));
  return path;
}

function templatesOf(region: string): string[] {
  const env = { account: ACCOUNT, region };
  const apps = [
    { name: 'shop', kind: 'official-account', appId: 'wx0123456789abcdef', tickets: ['jsapi', 'wx_card'] },
    { name: 'crm', kind: 'wecom', corpId: 'ww0123456789abcdef', agentId: 1000002, tickets: ['agent_config'] },
  ];
  const key = `arn:${region.startsWith('cn-') ? 'aws-cn' : 'aws'}:kms:${region}:${ACCOUNT}:key/0123`;
  const variants = [
    ...egresses.map((egress) => [egress.mode, { apps, egress, alarmEmail: 'ops@example.com' }] as const),
    ['own-key', { apps, kmsKeyArn: key }] as const,
  ];
  return variants.map(([name, wechat]) =>
    write(`${region}-${name}`, Template.fromStack(tokenStack({ wechat, env })).toJSON()),
  );
}

test.each(['us-east-1', 'ap-east-1', 'me-central-1', 'cn-north-1'])(
  '%s: every egress mode is valid',
  async (region) => {
    const templates = templatesOf(region);
    expect(templates).toHaveLength(5);
    expect(await cfnLint(region, templates)).toEqual({ code: 0, findings: '' });
  },
);

test('what a region lacks is found', async () => {
  const Url = { Type: 'AWS::Lambda::Url', Properties: { AuthType: 'AWS_IAM', TargetFunctionArn: 'f' } };
  const { code, findings } = await cfnLint('me-central-1', [write('wrong', { Resources: { Url } })]);
  expect(code).not.toBe(0);
  expect(findings).toContain("Resource type 'AWS::Lambda::Url' does not exist in 'me-central-1'");
});
