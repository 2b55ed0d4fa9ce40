import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type Environment, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll } from 'vitest';
import { type Config, loadConfig } from '../../infra/config.ts';
import { TokenStack, warningsOf } from '../../infra/token-stack.ts';

// Bundling goes through npx, which repeats a machine's npm warnings each time.
process.env['npm_config_loglevel'] = 'error';

export const shop = { name: 'shop', kind: 'official-account', appId: 'wx0123456789abcdef' };

type CdkJson = { app: string; context: Record<string, unknown> };
export const cdkJson: CdkJson = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));

export const configOf = (wechat: object = {}, region?: string): Config =>
  loadConfig({ wechat: { apps: [{ ...shop, tickets: ['jsapi'] }], ...wechat } }, region);

const outdirs: string[] = [];
afterAll(() => {
  for (const outdir of outdirs) rmSync(outdir, { recursive: true });
});

type Build = { wechat?: object; env?: Environment; bundling?: boolean };

/** The stack as the CLI would build it, with the feature flags of cdk.json; without `bundling`, assets are the sources. */
export function tokenStack({ wechat, env = {}, bundling = false }: Build = {}): TokenStack {
  const stacksToBundle = bundling ? {} : { 'aws:cdk:bundling-stacks': [] };
  const config = configOf(wechat, env.region);
  const outdir = mkdtempSync(join(tmpdir(), 'token-stack-'));
  outdirs.push(outdir);
  const app = new App({ outdir, context: { ...cdkJson.context, ...stacksToBundle } });
  const stack = new TokenStack(app, config.stackName, { config, env });
  // They are tested by their texts (warnings.test.ts); here they would only fill the screen.
  for (const { id } of warningsOf(config)) {
    Validations.of(stack).acknowledge({ id: `Annotation::${id}`, reason: 'This is a test.' });
  }
  return stack;
}

export type Resource = {
  Type: string;
  Properties: Record<string, unknown>;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
  DependsOn?: string[];
};

/** Every resource by the name the source gives it, with references as text: `<ReadApiReadFunction.Arn>`. */
export function resourcesOf(stack: TokenStack): Record<string, Resource> {
  return readable(Template.fromStack(stack).toJSON()['Resources']) as Record<string, Resource>;
}

/** Drops the eight digits that CDK puts behind a logical id. */
const named = (id: string) => id.replace(/(?<=[A-Za-z])[0-9A-F]{8}$/, '');

function readable(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(readable);
  if (typeof node !== 'object' || node === null) return node;
  const [[key, value] = ['', undefined], ...more] = Object.entries(node);
  if (more.length === 0) {
    if (key === 'Ref') return `<${named(String(value))}>`;
    if (key === 'Fn::GetAtt') return `<${named(value[0])}.${value[1]}>`;
    if (key === 'Fn::Join') return (readable(value[1]) as string[]).join(value[0]);
  }
  return Object.fromEntries(Object.entries(node).map(([name, each]) => [named(name), readable(each)]));
}
