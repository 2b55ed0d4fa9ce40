import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, Stack } from 'aws-cdk-lib';
import { Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { build, type Metafile } from 'esbuild';
import { bundling } from '../../infra/constructs/bundled-function.ts';
import { assetOf, synthesizeBundles } from '../harness/synthesized-bundles.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const ON_SDK = 'bench/latency/on-sdk.ts';

/** Paths of the bundles' entry files. */
export type Bundles = {
  /** What `cdk deploy` would upload. */
  readonly read: string;
  readonly refresh: string;
  /** The same routes on the SDK's client, with the options of our functions. */
  readonly onSdk: string;
  /** The same with the defaults of NodejsFunction. */
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

export type Composition = {
  readonly bytes: number;
  /** Bytes of each npm package, the largest first; `own` is what comes from functions/. */
  readonly packages: readonly (readonly [string, number])[];
};

/**
 * The composition of a synthesized bundle, which esbuild reports when it bundles the entry again.
 *
 * @throws Error when the second bundle differs in size from the synthesized one
 */
export async function compositionOf(entry: 'read' | 'refresh', bundle: string): Promise<Composition> {
  const output = await bundleAsDeployed(`functions/${entry}.ts`, join(temporaryFolder(), 'index.mjs'));
  const bytes = statSync(bundle).size;
  if (output.bytes !== bytes) throw new Error(`${entry} has ${bytes} bytes, bundled again ${output.bytes}`);
  const byPackage = new Map<string, number>();
  for (const [file, { bytesInOutput }] of Object.entries(output.inputs)) {
    const name = packageOf(file);
    byPackage.set(name, (byPackage.get(name) ?? 0) + bytesInOutput);
  }
  return { bytes, packages: [...byPackage].toSorted(([, one], [, other]) => other - one) };
}

function packageOf(file: string): string {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? 'own';
}

/** Bundles an entry with the options of our functions. */
async function bundleAsDeployed(entry: string, outfile: string): Promise<Metafile['outputs'][string]> {
  const { esbuildArgs, ...options } = bundling('');
  const { metafile } = await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: options.format,
    target: options.target,
    minify: options.minify,
    mainFields: options.mainFields,
    banner: { js: options.banner },
    alias: aliasesOf(esbuildArgs),
    metafile: true,
    absWorkingDir: PROJECT,
  });
  const [output] = Object.values(metafile.outputs);
  if (!output) throw new Error(`esbuild wrote no output for ${entry}`);
  return output;
}

function aliasesOf(args: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [name.replace('--alias:', ''), value]),
  );
}

/** Includes the SDK, because the copy in Lambda's runtime does not exist here. All else is NodejsFunction's default. */
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

/** Removed when the bench ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bench-latency-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
