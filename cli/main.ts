import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { asCliError, type ExitCode, exitCodes } from './cli-error.ts';
import type { TargetOptions } from './target.ts';
import { type Terminal, terminal } from './terminal.ts';

/** `wechat-token-refresher`: the grammar of the command line. What each command does is in `commands/`. */

const program = new Command('wechat-token-refresher')
  .description('See, refresh and repair the WeChat credentials of a deployment')
  .option('--stack <name>', 'the deployed stack', 'WechatTokenRefresher')
  .option('--region <region>', "its region, unless the AWS profile's")
  .option('--local [url]', 'local mode instead of a stack, on http://127.0.0.1:8787')
  .option('--json', 'one JSON object on standard output, for scripts')
  .addHelpText(
    'after',
    '\nExit codes: 0 no problem; 1 a problem was found, or the command failed; 2 wrong usage; 3 not possible from here.',
  )
  .exitOverride()
  .configureOutput({
    outputError: (text, write) => write(text.replace(/^error: /, 'wechat-token-refresher: ')),
  });

let exitCode: ExitCode = exitCodes.ok;

type Handler<T> = (options: TargetOptions & T, terminal: Terminal, ...args: string[]) => Promise<ExitCode>;

/**
 * The action of a command, whose module is loaded only when it runs, so that each command starts quickly. Its handler gets
 * its own options together with the global ones, then its arguments.
 */
function action<T>(load: () => Promise<Handler<T>>) {
  return async (...given: unknown[]) => {
    const command = given.at(-1) as Command;
    const options = command.optsWithGlobals<TargetOptions & T & { json?: true }>();
    const handler = await load();
    exitCode = await handler(
      options,
      terminal(options.json === true),
      ...(command.processedArgs as string[]),
    );
  };
}

program
  .command('status [app]')
  .description('the state of every credential: time left, last renewal, last error and its remedy')
  .option('--watch', 'repeat every 2 seconds, until Ctrl-C')
  .action(action(async () => (await import('./commands/status.ts')).statusCommand));

program
  .command('refresh <app>')
  .description('check an app and do what is due; with --force renew although nothing is')
  .option('--force', 'renew, which invalidates the current token (at most once in 30 s)')
  .option('--reason <text>', 'why, for the log; only with --force')
  .option('--credential <name>', 'only this one, such as jsapi-ticket')
  .action(action(async () => (await import('./commands/refresh.ts')).refreshCommand));

const secret = program.command('secret').description('AppSecrets, from a hidden prompt or standard input');
secret
  .command('set <app>')
  .description('write the AppSecret, and try it')
  .action(action(async () => (await import('./commands/secret.ts')).setSecretCommand));
secret
  .command('rotate <app>')
  .description('replace the AppSecret, and restore the old one unless WeChat accepts the new one')
  .action(action(async () => (await import('./commands/secret.ts')).rotateSecretCommand));

program
  .command('quota')
  .description("the day's calls of an official account, as WeChat counts them")
  .command('clear <app>')
  .description('set the calls of all interfaces of its account back to 0, ten times a month; asks first')
  .option('--yes', 'do not ask, where no one can answer')
  .action(action(async () => (await import('./commands/quota.ts')).clearQuotaCommand));

const readerKey = program.command('reader-key').description("keys of the read URL (readUrl.auth: 'key')");
readerKey
  .command('create <name>')
  .description('create a key and show it, for the only time')
  .option('--apps <names>', 'only these apps, separated by commas', namesOf)
  .option('--expires-days <days>', 'from now', daysOf)
  .action(action(async () => (await import('./commands/reader-key.ts')).createReaderKeyCommand));
readerKey
  .command('list')
  .description('every key that was ever created')
  .action(action(async () => (await import('./commands/reader-key.ts')).listReaderKeysCommand));
readerKey
  .command('revoke <name>')
  .description('revoke the key of that name, within a minute')
  .action(action(async () => (await import('./commands/reader-key.ts')).revokeReaderKeyCommand));

program
  .command('doctor [app]')
  .description('check everything between you and WeChat; changes nothing')
  .action(action(async () => (await import('./commands/doctor.ts')).doctorCommand));

program
  .command('cleanup')
  .description('delete what removed apps, or `cdk destroy`, left behind; asks first')
  .option('--yes', 'do not ask')
  .option('--table <name>', 'the table of a destroyed stack')
  .option('--prefix <path>', 'the parameterPrefix of a destroyed stack, unless it was the default')
  .action(action(async () => (await import('./commands/cleanup.ts')).cleanupCommand));

function namesOf(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}

function daysOf(text: string): number {
  const days = Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= 3_650) return days;
  throw new InvalidArgumentError('expected a whole number of days, 1 to 3650');
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  } else {
    const { message, exitCode: code } = asCliError(error);
    console.error(`wechat-token-refresher: ${message}`);
    exitCode = code;
  }
}
process.exitCode = exitCode;
