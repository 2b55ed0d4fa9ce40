import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';

/** Two processes must not share a folder: the embedded table has one owner. */
class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';
  constructor(folder: string) {
    super(
      `The folder ${folder} is in use by another wechat-token-refresher. Stop that one, or set LOCAL_DIR to another folder.`,
    );
  }
}

/** The folder cannot be used at all: not writable, or not a folder. */
class FolderUnusableError extends Error {
  override readonly name = 'FolderUnusableError';
  constructor(folder: string, cause: unknown) {
    const reason = cause instanceof Error && 'code' in cause ? cause.code : cause;
    super(`The folder ${folder} cannot be used (${reason}). Set LOCAL_DIR to a folder that you may write.`, {
      cause,
    });
  }
}

/**
 * Creates the folder, readable by its owner only, and locks it for this process. An empty LevelDB is opened for its lock
 * alone, which the operating system releases however the process ends; a PID file would outlast a crash.
 *
 * @throws FolderInUseError, FolderUnusableError
 */
export async function lockFolder(folder: string): Promise<{ release(): Promise<void> }> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const lock = new ClassicLevel(join(folder, 'lock'));
    await lock.open();
    return { release: () => lock.close() };
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    if (cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED') {
      throw new FolderInUseError(folder);
    }
    throw new FolderUnusableError(folder, cause);
  }
}
