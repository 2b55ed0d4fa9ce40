import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { loadConfig } from '../../infra/config.ts';
import { TokenStack } from '../../infra/token-stack.ts';

/** Folders of the bundles that `cdk deploy` would upload. */
export function synthesizeBundles(wechat: unknown): { refresh: string; read: string } {
  const outdir = mkdtempSync(join(tmpdir(), 'cdk-out-'));
  process.once('exit', () => rmSync(outdir, { recursive: true, force: true }));
  const app = new App({ outdir });
  const stack = new TokenStack(app, 'Bundles', { config: loadConfig({ wechat }) });
  return { refresh: assetOf(app, stack, 'Renews'), read: assetOf(app, stack, 'Serves') };
}

/**
 * The folder of a function's asset.
 *
 * @param description words of the function's description; without them the stack must have one function only
 */
export function assetOf(app: App, stack: Stack, description?: string): string {
  const functions = Template.fromStack(stack).findResources(
    'AWS::Lambda::Function',
    description === undefined ? {} : { Properties: { Description: Match.stringLikeRegexp(description) } },
  );
  const key: string | undefined = Object.values(functions)[0]?.['Properties'].Code.S3Key;
  if (!key) throw new Error(`no asset of the function '${description}'`);
  return join(app.outdir, `asset.${key.replace('.zip', '')}`);
}
