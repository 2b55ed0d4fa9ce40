import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { asCliError, CliError, type ExitCode, exitCodes } from './cli-error.ts';
import type { TargetOptions } from './target.ts';
import { resolveStack, resolveTarget } from './target.ts';
import { type Terminal, terminal } from './terminal.ts';

/** `wechat-token-refresher`: what operators do. Commands load what they need when they run, so that each starts at once. */

type GlobalOptions = TargetOptions & { readonly json?: true };

const program = new Command('wechat-token-refresher')
  .description('See, refresh and repair the WeChat credentials of a deployment')
  .option('--stack <name>', 'the deployed stack', 'WechatTokenRefresher')
  .option('--region <region>', "its region, unless the AWS profile's")
  .option('--local [url]', 'local mode instead of a stack, on http://127.0.0.1:8787')
  .option('--json', 'one JSON object on standard output, for scripts')
  .addHelpText(
    'after',
    '\nExit codes: 0 all is well; 1 something is wrong, or failed; 2 wrong usage; 3 not possible from here.',
  )
  .exitOverride()
  .configureOutput({
    outputError: (text, write) => write(text.replace(/^error: /, 'wechat-token-refresher: ')),
  });

let exitCode: ExitCode = exitCodes.ok;

type Run<T> = (options: GlobalOptions & T, terminal: Terminal, ...args: string[]) => Promise<ExitCode>;

/** A command's own options come with the global ones; its arguments follow. */
function running<T>(run: Run<T>) {
  return async (...given: unknown[]) => {
    const command = given.at(-1) as Command;
    const options = command.optsWithGlobals() as GlobalOptions & T;
    exitCode = await run(options, terminal(options.json === true), ...(command.processedArgs as string[]));
  };
}

program
  .command('status [app]')
  .description('state and time left of every credential, and what failed last')
  .option('--watch', 'again every 2 seconds, until Ctrl-C')
  .action(
    running<{ watch?: true }>(async (options, out, app) => {
      const { status, watchStatus } = await import('./commands/status.ts');
      const { refresher } = await resolveTarget(options);
      return (options.watch ? watchStatus : status)(refresher, out, app);
    }),
  );

program
  .command('refresh <app>')
  .description('look at an app now; with --force renew it, though nothing is due')
  .option('--force', 'renew: kills the token that is out (at most once in 30 s)')
  .option('--reason <text>', 'why, for the log; goes with --force')
  .option('--credential <name>', 'this one alone, like jsapi-ticket')
  .action(
    running<{ force?: true; reason?: string; credential?: string }>(async (options, out, app = '') => {
      const { refresh } = await import('./commands/refresh.ts');
      const { refresher } = await resolveTarget(options);
      return refresh(refresher, out, app, options);
    }),
  );

const secret = program.command('secret').description('AppSecrets, from a hidden prompt or standard input');
secret
  .command('set <app>')
  .description('write the AppSecret, and try it')
  .action(
    running(async (options, out, app = '') => {
      const { setSecret } = await import('./commands/secret.ts');
      return withSecret(options, out, app, 'secret set', setSecret);
    }),
  );
secret
  .command('rotate <app>')
  .description('replace the AppSecret, and put the old one back unless WeChat takes the new one')
  .action(
    running(async (options, out, app = '') => {
      const { rotateSecret } = await import('./commands/secret.ts');
      return withSecret(options, out, app, 'secret rotate', rotateSecret);
    }),
  );

const readerKey = program.command('reader-key').description("keys of the read URL (readUrl.auth: 'key')");
readerKey
  .command('create <name>')
  .description('make a key and show it, for the only time')
  .addOption(new Option('--apps <names>', 'only these apps, with commas between').argParser(namesOf))
  .addOption(new Option('--expires-days <days>', 'from now').argParser(daysOf))
  .action(
    running<{ apps?: string[]; expiresDays?: number }>(async (options, out, name = '') => {
      const { createReaderKey } = await import('./commands/reader-key.ts');
      const { keys, refresher } = await readerKeysOf(options);
      const { apps, expiresDays } = options;
      return createReaderKey({ name: keyName(name), apps, expiresDays }, { keys, refresher, terminal: out });
    }),
  );
readerKey
  .command('list')
  .description('every key that was ever made')
  .action(
    running(async (options, out) => {
      const { listReaderKeys } = await import('./commands/reader-key.ts');
      return listReaderKeys((await readerKeysOf(options)).keys, out);
    }),
  );
readerKey
  .command('revoke <name>')
  .description('close the key of that name, within a minute')
  .action(
    running(async (options, out, name = '') => {
      const { revokeReaderKey } = await import('./commands/reader-key.ts');
      return revokeReaderKey(name, (await readerKeysOf(options)).keys, out);
    }),
  );

program
  .command('doctor [app]')
  .description('look at everything between you and WeChat; changes nothing')
  .action(
    running(async (options, out, app) => {
      const { doctor } = await import('./commands/doctor.ts');
      return doctor(await resolveTarget(options), out, app);
    }),
  );

program
  .command('cleanup')
  .description('remove what apps that left the configuration, or `cdk destroy`, left behind')
  .option('--yes', 'do not ask')
  .option('--table <name>', 'the table of a destroyed stack')
  .option('--prefix <path>', 'the parameterPrefix of a destroyed stack', '/wechat')
  .action(
    running<{ yes?: true; table?: string; prefix: string }>(async (options, out) => {
      const { runCleanup } = await import('./run-cleanup.ts');
      return runCleanup(options, out);
    }),
  );

async function withSecret(
  options: GlobalOptions,
  out: Terminal,
  app: string,
  command: string,
  run: typeof import('./commands/secret.ts').setSecret,
): Promise<ExitCode> {
  const stack = await resolveStack(options, command);
  const { SSMClient } = await import('@aws-sdk/client-ssm');
  const { secretParameterOf } = await import('./secret-parameter.ts');
  const { readSecret } = await import('./secret-input.ts');
  const { regionOf } = await import('./target.ts');
  const parameter = secretParameterOf(new SSMClient(regionOf(options.region)), {
    prefix: stack.output('ParameterPrefix'),
    app,
    keyId: stack.optionalOutput('KmsKeyArn'),
  });
  // A mistyped app is told of before anybody looks for its secret.
  await stack.refresher.status(app);
  return run(app, await readSecret(app), { refresher: stack.refresher, parameter, terminal: out });
}

async function readerKeysOf(options: GlobalOptions) {
  const stack = await resolveStack(options, 'reader-key');
  const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb');
  const { readerKeys } = await import('../functions/aws/reader-keys.ts');
  const { regionOf } = await import('./target.ts');
  const client = new DynamoDBClient(regionOf(options.region));
  return { keys: readerKeys(client, stack.output('TableName'), Date.now), refresher: stack.refresher };
}

function keyName(text: string): string {
  if (/^[\w.@ -]{1,64}$/.test(text)) return text;
  throw new CliError('usage', 'name: expected 1 to 64 letters, digits, blanks, or any of . _ @ -');
}

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
    const told = asCliError(error);
    console.error(`wechat-token-refresher: ${told.message}`);
    exitCode = told.exitCode;
  }
}
process.exitCode = exitCode;
