import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SSMClient } from '@aws-sdk/client-ssm';
import { CliError, type ExitCode } from './cli-error.ts';
import { cleanUpApps, cleanUpStack, tablesOf } from './commands/cleanup.ts';
import { findStack, refuseLocal, regionOf, type TargetOptions } from './target.ts';
import type { Terminal } from './terminal.ts';

type Options = TargetOptions & { readonly yes?: true; readonly table?: string; readonly prefix: string };

/** Finds out whether the stack lives, and cleans up accordingly. */
export async function runCleanup(options: Options, terminal: Terminal): Promise<ExitCode> {
  refuseLocal(options, 'cleanup');
  const dynamodb = new DynamoDBClient(regionOf(options.region));
  const means = {
    dynamodb,
    ssm: new SSMClient(regionOf(options.region)),
    terminal,
    yes: options.yes === true,
  };
  const stack = await findStack(options);
  if (stack) {
    if (options.table !== undefined) {
      throw new CliError(
        'usage',
        `--table: stack ${stack.name} still lives, and its table with it; destroy it first.`,
      );
    }
    // Without the list of apps nothing is known to be left over.
    const { apps } = await stack.refresher.status();
    const served = new Set(apps.map(({ app }) => app));
    const place = { tableName: stack.output('TableName'), prefix: stack.output('ParameterPrefix'), served };
    return cleanUpApps(place, means);
  }
  if (options.table === undefined) throw new CliError('usage', await whichTable(dynamodb, options.stack));
  return cleanUpStack({ tableName: options.table, prefix: options.prefix }, means);
}

async function whichTable(dynamodb: DynamoDBClient, stack: string): Promise<string> {
  const tables = await tablesOf(dynamodb, stack);
  if (tables.length === 0)
    return `There is no stack ${stack}, and no table of that name: nothing is left behind, or --stack or --region is another.`;
  return `Stack ${stack} is gone. Say which table was its own: ${tables.map((name) => `--table ${name}`).join(' or ')}`;
}
