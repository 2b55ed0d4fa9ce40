import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Mirror } from '../functions/core/ports.ts';
import { tokenParameter } from '../functions/deployment.ts';

/**
 * SSM's parameters as files below `root`: a parameter's name is its file's path. Readable by their owner only, and
 * replaced in one step, so that readers see the old value or the new one, and a crash leaves one of them.
 */
export function fileMirror(root: string, prefix: string): Mirror {
  return {
    async write({ app, name }, value) {
      const path = join(root, tokenParameter(prefix, app.name, name));
      const draft = `${path}.new`;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const file = await open(draft, 'w', 0o600);
      try {
        await file.writeFile(value);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path);
    },
  };
}
