import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { configOf, resourcesOf, shop, tokenStack } from './synth.ts';

const apps = Array.from({ length: 1000 }, (_, index) => ({
  ...shop,
  name: `app-${index}`,
  appId: `wx${String(index).padStart(16, '0')}`,
}));

const wechat = { apps, wechatHosts: ['http://127.0.0.1:8080', 'https://example.com'] };
const stack = tokenStack({ wechat, bundling: true });
const resources = resourcesOf(stack);
const outdir = Stage.of(stack)?.outdir ?? '';

function asset(logicalId: string): string {
  const code = resources[logicalId]?.Properties['Code'] as { S3Key: string } | undefined;
  if (!code) throw new Error(`no function ${logicalId}`);
  return join(outdir, `asset.${code.S3Key.replace('.zip', '')}`);
}

const functions = { refresh: asset('RefresherRefreshFunction'), read: asset('ReadApiReadFunction') };
const bundle = (name: keyof typeof functions) => readFileSync(join(functions[name], 'index.mjs'), 'utf8');

describe.each(Object.entries(functions))('the asset of %s', (_name, directory) => {
  test('is one module and the deployment, whatever the number of apps', () => {
    expect(readdirSync(directory).sort()).toEqual(['deployment.json', 'index.mjs']);
    const deployment = JSON.parse(readFileSync(join(directory, 'deployment.json'), 'utf8'));
    expect(deployment).toEqual(configOf(wechat).deployment);
    expect(deployment).toMatchObject(wechat);
  });
});

// Each string is in that package only. That the refresher has them all shows that they would be found.
describe('the reader is on the latency path of users, so it does without', () => {
  test.each([
    ['undici', 'UND_ERR_HEADERS_OVERFLOW'],
    ['zod', 'unrecognized_keys'],
    ['Powertools', 'POWERTOOLS_LOGGER_LOG_EVENT'],
    ['the SSM client', 'AmazonSSM'],
  ])('%s', (_package, mark) => {
    expect(bundle('refresh')).toContain(mark);
    expect(bundle('read')).not.toContain(mark);
  });
});
