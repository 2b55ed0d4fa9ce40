import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, Stack } from 'aws-cdk-lib';
import { Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { assetOf, synthesizeBundles } from '../../test/support/start-lambda.ts';
import { bundleAsDeployed } from './esbuild.ts';
import { temporaryFolder } from './temporary-folder.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const ON_SDK = 'bench/latency/on-sdk.ts';

/** Files to load, each by itself. */
export type Bundles = {
  /** What `cdk deploy` would upload. */
  readonly read: string;
  readonly refresh: string;
  /** The same routes on the SDK's client, with the options of our functions. */
  readonly onSdk: string;
  /** And by NodejsFunction as it comes. */
  readonly byDefault: string;
  /** A handler that does nothing. */
  readonly empty: string;
};

export async function makeBundles(wechat: unknown): Promise<Bundles> {
  const { read, refresh } = synthesizeBundles(wechat);
  const onSdk = join(temporaryFolder(), 'index.mjs');
  await bundleAsDeployed(ON_SDK, onSdk);
  return {
    read: join(read, 'index.mjs'),
    refresh: join(refresh, 'index.mjs'),
    onSdk,
    byDefault: join(bundleByDefault(ON_SDK), 'index.js'),
    empty: writeEmptyHandler(),
  };
}

/** With the SDK inside: without Lambda's own copy there is no other. All else is as NodejsFunction has it. */
function bundleByDefault(entry: string): string {
  const app = new App({ outdir: temporaryFolder() });
  const stack = new Stack(app, 'Defaults');
  new NodejsFunction(stack, 'OnSdk', {
    entry: join(PROJECT, entry),
    projectRoot: PROJECT,
    depsLockFilePath: join(PROJECT, 'package-lock.json'),
    runtime: Runtime.NODEJS_24_X,
    bundling: { bundleAwsSDK: true },
  });
  return assetOf(app, stack);
}

function writeEmptyHandler(): string {
  const file = join(temporaryFolder(), 'index.mjs');
  writeFileSync(file, "export const handler = async () => ({ statusCode: 200, headers: {}, body: '{}' });\n");
  return file;
}
