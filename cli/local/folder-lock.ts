import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';

/** Two processes must not share a folder: the embedded table has one owner. */
export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';
  constructor(folder: string) {
    super(
      `The folder ${folder} is in use by another wechat-token-refresher. Stop that one, or set LOCAL_DIR to another folder.`,
    );
  }
}

/**
 * Takes the folder for this process. An empty LevelDB is opened for the sake of its lock alone: the operating system
 * gives it back however the process ends, where a PID file would stay behind.
 *
 * @throws FolderInUseError
 */
export async function lockFolder(folder: string): Promise<{ release(): Promise<void> }> {
  const guard = new ClassicLevel(join(folder, 'lock'));
  try {
    await guard.open();
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED') {
      throw new FolderInUseError(folder);
    }
    throw error;
  }
  return { release: () => guard.close() };
}
