import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export type TokenFile = {
  readonly get: () => Promise<unknown>;
  readonly save: (token: unknown) => Promise<void>;
};

/**
 * The place that co-wechat-api and wechat-api ask for when there are several processes. Their documentation shows a bare
 * `writeFile` and names Redis; this is kinder than the first, and as atomic as the second: nobody reads half a token.
 */
export function tokenFile(folder: string): TokenFile {
  const path = join(folder, 'access_token.txt');
  return {
    async get() {
      try {
        return JSON.parse(await readFile(path, 'utf8'));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async save(token) {
      const draft = join(folder, randomUUID());
      await writeFile(draft, JSON.stringify(token));
      await rename(draft, path);
    },
  };
}
