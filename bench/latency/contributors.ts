import { statSync } from 'node:fs';
import { join } from 'node:path';
import { bundleAsDeployed } from './esbuild.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Bytes of a bundle, by package, the largest first; `own` is what stands in functions/. */
export type Contributors = {
  readonly bytes: number;
  readonly packages: readonly (readonly [string, number])[];
};

/**
 * What a synthesized bundle is made of, as esbuild tells when it makes it again.
 *
 * @throws Error when that is not the bundle that was synthesized
 */
export async function contributors(entry: 'read' | 'refresh', bundle: string): Promise<Contributors> {
  const output = await bundleAsDeployed(`functions/${entry}.ts`, join(temporaryFolder(), 'index.mjs'));
  const bytes = statSync(bundle).size;
  if (output.bytes !== bytes) throw new Error(`${entry} has ${bytes} bytes, made again ${output.bytes}`);
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
