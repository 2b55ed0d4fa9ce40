import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CredentialName } from '../functions/core/credential.ts';
import type { Mirror } from '../functions/core/ports.ts';
import { tokenParameter } from '../functions/deployment.ts';

/** Where a parameter of SSM stands on disk: its name is its path. */
function parameterFile(root: string, prefix: string, appName: string, name: CredentialName): string {
  return join(root, tokenParameter(prefix, appName, name));
}

/**
 * Parameters as files, readable by their owner only. Written beside and renamed over, so that a reader sees the old
 * value or the new one, and a crash leaves one of them.
 */
export function fileMirror(root: string, prefix: string): Mirror {
  return {
    async write({ app, name }, value) {
      const path = parameterFile(root, prefix, app.name, name);
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
