import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';
import { bundling } from '../../infra/constructs/bundled-function.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** Bundles an entry with the very options of our functions. */
export async function bundleAsDeployed(entry: string, outfile: string): Promise<Metafile['outputs'][string]> {
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
  if (!output) throw new Error(`esbuild made nothing of ${entry}`);
  return output;
}

function aliasesOf(args: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [name.replace('--alias:', ''), value]),
  );
}
