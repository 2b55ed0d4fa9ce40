import { styleText } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  ReaderKeyNameTakenError,
  type ReaderKeys,
  readerKeys,
  UnknownReaderKeyError,
} from '../../functions/aws/reader-keys.ts';
import { type ReaderKey, statusOf } from '../../functions/core/reader-key.ts';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { ago, duration, table } from '../format.ts';
import type { RefresherClient } from '../refresher-client.ts';
import { regionOf, resolveStack, type TargetOptions } from '../target.ts';
import type { Terminal } from '../terminal.ts';

const DAY_MS = 86_400_000;

type CreateOptions = TargetOptions & { readonly apps?: readonly string[]; readonly expiresDays?: number };
type ReaderKeyContext = { readonly keys: ReaderKeys; readonly terminal: Terminal };

export async function createReaderKeyCommand(
  options: CreateOptions,
  terminal: Terminal,
  name: string,
): Promise<ExitCode> {
  const { keys, refresher } = await connect(options);
  const { apps, expiresDays } = options;
  return createReaderKey({ name: validName(name), apps, expiresDays }, { keys, refresher, terminal });
}

export async function listReaderKeysCommand(options: TargetOptions, terminal: Terminal): Promise<ExitCode> {
  const { keys } = await connect(options);
  return listReaderKeys({ keys, terminal });
}

export async function revokeReaderKeyCommand(
  options: TargetOptions,
  terminal: Terminal,
  name: string,
): Promise<ExitCode> {
  const { keys } = await connect(options);
  return revokeReaderKey(name, { keys, terminal });
}

async function connect(options: TargetOptions): Promise<{ keys: ReaderKeys; refresher: RefresherClient }> {
  const { region, refresher, output } = await resolveStack(options, 'reader-key');
  const client = new DynamoDBClient(regionOf(region));
  return { keys: readerKeys(client, output('TableName'), Date.now), refresher };
}

function validName(text: string): string {
  if (/^[\w.@ -]{1,64}$/.test(text)) return text;
  throw new CliError('usage', 'name: expected 1 to 64 letters, digits, blanks, or any of . _ @ -');
}

/**
 * Creates a key and shows it, for the only time.
 *
 * @param request `apps` undefined: a key for every app; `expiresDays` undefined: one that does not expire
 */
export async function createReaderKey(
  request: { name: string; apps: readonly string[] | undefined; expiresDays: number | undefined },
  { keys, refresher, terminal }: ReaderKeyContext & { readonly refresher: RefresherClient },
): Promise<ExitCode> {
  const { name, apps, expiresDays } = request;
  // Else a mistyped app would be noticed only by the client that uses the key.
  for (const app of apps ?? []) await refresher.status(app);
  const expiresAt = expiresDays === undefined ? undefined : Date.now() + expiresDays * DAY_MS;
  try {
    const { key } = await keys.create({
      name,
      apps: apps ?? 'all',
      ...(expiresAt !== undefined && { expiresAt }),
    });
    terminal.print(key);
    if (!terminal.json) {
      terminal.note(
        'This is the only time that the key is shown: only its SHA-256 is stored. It works within a minute.',
      );
    }
    terminal.answer({ name, key, apps: apps ?? 'all', expiresAt: expiresAt ?? null });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof ReaderKeyNameTakenError) throw new CliError('problem', error.message);
    throw error;
  }
}

/** Lists every key that was ever created, by name; the keys themselves are not stored. */
export async function listReaderKeys({ keys, terminal }: ReaderKeyContext): Promise<ExitCode> {
  const now = Date.now();
  const found = await terminal.during('Reading the table', () => keys.list());
  if (found.length === 0) terminal.print('There are no reader keys.');
  else for (const line of keyLines(found, now)) terminal.print(line);
  terminal.answer({ readerKeys: found.map((key) => ({ ...key, status: statusOf(key, now) })) });
  return exitCodes.ok;
}

export function keyLines(keys: readonly ReaderKey[], now: number): string[] {
  return table(
    ['NAME', 'STATUS', 'APPS', 'CREATED', 'EXPIRES'],
    keys.map((key) => {
      const status = statusOf(key, now);
      return [
        key.name,
        styleText(status === 'valid' ? 'green' : 'dim', status),
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

/** Revokes the valid key of that name. */
export async function revokeReaderKey(name: string, { keys, terminal }: ReaderKeyContext): Promise<ExitCode> {
  try {
    await keys.revoke(name);
  } catch (error) {
    if (error instanceof UnknownReaderKeyError) throw new CliError('problem', error.message);
    throw error;
  }
  terminal.print(`Revoked ${name}; the read URL rejects it within a minute.`);
  terminal.answer({ name, revoked: true });
  return exitCodes.ok;
}
