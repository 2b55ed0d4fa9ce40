import { styleText } from 'node:util';
import {
  ReaderKeyNameTakenError,
  type ReaderKeys,
  UnknownReaderKeyError,
} from '../../functions/aws/reader-keys.ts';
import { type ReaderKey, statusOf } from '../../functions/core/reader-key.ts';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { ago, duration, table } from '../format.ts';
import type { RefresherClient } from '../refresher-client.ts';
import type { Terminal } from '../terminal.ts';

const DAY_MS = 86_400_000;

/** Makes a key and shows it, for the only time; `apps` undefined: for every app. */
export async function createReaderKey(
  order: { name: string; apps: readonly string[] | undefined; expiresDays: number | undefined },
  { keys, refresher, terminal }: { keys: ReaderKeys; refresher: RefresherClient; terminal: Terminal },
): Promise<ExitCode> {
  const { name, apps, expiresDays } = order;
  // A key for an app that does not exist would be found out by its users.
  for (const app of apps ?? []) await refresher.status(app);
  const expiresAt = expiresDays === undefined ? undefined : Date.now() + expiresDays * DAY_MS;
  try {
    const { key } = await keys.create({
      name,
      apps: apps ?? 'all',
      ...(expiresAt !== undefined && { expiresAt }),
    });
    terminal.say(key);
    if (!terminal.json) {
      terminal.note(
        'This is the only time that the key is shown: only its SHA-256 is kept. It works within a minute.',
      );
    }
    terminal.answer({ name, key, apps: apps ?? 'all', expiresAt: expiresAt ?? null });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof ReaderKeyNameTakenError) throw new CliError('problem', error.message);
    throw error;
  }
}

/** Every key that was ever made; the keys themselves nobody knows. */
export async function listReaderKeys(keys: ReaderKeys, terminal: Terminal): Promise<ExitCode> {
  const now = Date.now();
  const found = await terminal.during('Reading the table', () => keys.list());
  if (found.length === 0) terminal.say('There are no reader keys.');
  else for (const line of keyLines(found, now)) terminal.say(line);
  terminal.answer({ readerKeys: found.map((key) => ({ ...key, standing: statusOf(key, now) })) });
  return exitCodes.ok;
}

export function keyLines(keys: readonly ReaderKey[], now: number): string[] {
  return table(
    ['NAME', 'STANDING', 'APPS', 'MADE', 'EXPIRES'],
    keys.map((key) => {
      const standing = statusOf(key, now);
      return [
        key.name,
        styleText(standing === 'valid' ? 'green' : 'dim', standing),
        key.apps === 'all' ? 'all' : key.apps.join(','),
        ago(key.createdAt, now),
        expiryOf(key, now),
      ];
    }),
  );
}

function expiryOf({ expiresAt }: ReaderKey, now: number): string {
  if (expiresAt === undefined) return 'never';
  return expiresAt > now ? `in ${duration(expiresAt - now)}` : ago(expiresAt, now);
}

/** Closes the valid key of that name. */
export async function revokeReaderKey(name: string, keys: ReaderKeys, terminal: Terminal): Promise<ExitCode> {
  try {
    await keys.revoke(name);
  } catch (error) {
    if (error instanceof UnknownReaderKeyError) throw new CliError('problem', error.message);
    throw error;
  }
  terminal.say(`Revoked ${name}; the read URL refuses it within a minute.`);
  terminal.answer({ name, revoked: true });
  return exitCodes.ok;
}
