import { readFileSync } from 'node:fs';
import { App, type Environment } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { loadConfig } from '../../infra/config.ts';
import { TokenStack } from '../../infra/token-stack.ts';

export const shop = { name: 'shop', kind: 'official-account', appId: 'wx0123456789abcdef' };

type CdkJson = { app: string; context: Record<string, unknown> };
export const cdkJson: CdkJson = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));

/** The stack as the CLI would build it: with the feature flags of cdk.json and real bundling. */
export function tokenStack(wechat: object = {}, env: Environment = {}): TokenStack {
  const config = loadConfig({ wechat: { apps: [{ ...shop, tickets: ['jsapi'] }], ...wechat } });
  return new TokenStack(new App({ context: cdkJson.context }), config.stackName, { config, env });
}

export const templateOf = (stack: TokenStack): Template => Template.fromStack(stack);
