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
 * Makes the folder, readable by its owner only, and takes it for this process. An empty LevelDB is opened for the sake
 * of its lock alone: the operating system gives it back however the process ends, where a PID file would stay behind.
 *
 * @throws FolderInUseError, FolderUnusableError
 */
export async function claimFolder(folder: string): Promise<{ release(): Promise<void> }> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const authenticator = new ClassicLevel(join(folder, 'lock'));
    await authenticator.open();
    return { release: () => authenticator.close() };
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    if (cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED') {
      throw new FolderInUseError(folder);
    }
    throw new FolderUnusableError(folder, cause);
  }
}
