import {
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ListTablesCommand,
  UpdateTableCommand,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import { SSMClient } from '@aws-sdk/client-ssm';
import { DEFAULT_PARAMETER_PREFIX } from '../../functions/deployment-schema.ts';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { deleteOrphans, findOrphans, type Location, type Orphans } from '../orphans.ts';
import { findStack, refuseLocal, regionOf, type TargetOptions } from '../target.ts';
import { confirmed, type Terminal } from '../terminal.ts';

export type CleanupContext = {
  readonly dynamodb: DynamoDBClient;
  readonly ssm: SSMClient;
  readonly terminal: Terminal;
  /** Confirmed beforehand, by `--yes`; else the command asks. */
  readonly yes: boolean;
};

type CleanupOptions = TargetOptions & {
  readonly yes?: true;
  readonly table?: string;
  readonly prefix?: string;
};

/** Cleans up after removed apps if the stack exists, else after the stack. */
export async function cleanupCommand(options: CleanupOptions, terminal: Terminal): Promise<ExitCode> {
  refuseLocal(options, 'cleanup');
  const region = regionOf(options.region);
  const dynamodb = new DynamoDBClient(region);
  const context = { dynamodb, ssm: new SSMClient(region), terminal, yes: options.yes === true };
  const stack = await findStack(options);
  if (!stack) {
    if (options.table === undefined) throw new CliError('usage', await whichTable(dynamodb, options.stack));
    const prefix = options.prefix ?? DEFAULT_PARAMETER_PREFIX;
    return cleanUpStack({ tableName: options.table, prefix }, context);
  }
  if (options.table !== undefined) {
    throw new CliError(
      'usage',
      `--table: stack ${stack.name} exists, and its table with it; destroy the stack first.`,
    );
  }
  // The function knows which apps are configured; without that list nothing can be called an orphan.
  const { apps } = await stack.refresher.status();
  const location = { tableName: stack.output('TableName'), prefix: stack.output('ParameterPrefix') };
  return cleanUpApps(location, new Set(apps.map(({ app }) => app)), context);
}

async function whichTable(dynamodb: DynamoDBClient, stack: string): Promise<string> {
  const tables = await tablesOf(dynamodb, stack);
  if (tables.length === 0)
    return `There is no stack ${stack}, and no table of that name: either there are no orphans, or --stack or --region is wrong.`;
  return `Stack ${stack} does not exist any more. Choose its table: ${tables.map((name) => `--table ${name}`).join(' or ')}`;
}

/** Tables that CloudFormation named after the stack. */
export async function tablesOf(dynamodb: DynamoDBClient, stack: string): Promise<string[]> {
  const names: string[] = [];
  let last: string | undefined;
  do {
    const page = await dynamodb.send(new ListTablesCommand({ ExclusiveStartTableName: last }));
    names.push(...(page.TableNames ?? []));
    last = page.LastEvaluatedTableName;
  } while (last !== undefined);
  return names.filter((name) => name.startsWith(`${stack}-`));
}

/** The stack exists: deletes what belongs to apps that it no longer serves. */
export async function cleanUpApps(
  location: Location,
  served: ReadonlySet<string>,
  context: CleanupContext,
): Promise<ExitCode> {
  const orphans = await searchOrphans(location, served, context);
  return confirmAndDelete(orphans, undefined, context, () =>
    deleteOrphans(context, location.tableName, orphans),
  );
}

/** The stack is destroyed: deletes its parameters, and the table that CloudFormation retained. */
export async function cleanUpStack(location: Location, context: CleanupContext): Promise<ExitCode> {
  const { tableName } = location;
  const orphans = await searchOrphans(location, new Set(), context);
  return confirmAndDelete(orphans, tableName, context, async () => {
    await deleteOrphans(context, tableName, orphans);
    await deleteTable(context.dynamodb, tableName);
  });
}

function searchOrphans(
  location: Location,
  served: ReadonlySet<string>,
  context: CleanupContext,
): Promise<Orphans> {
  return context.terminal.during('Looking for orphans', () => findOrphans(context, location, served));
}

async function deleteTable(dynamodb: DynamoDBClient, TableName: string): Promise<void> {
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }));
  if (Table?.DeletionProtectionEnabled) {
    await dynamodb.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }));
    await waitUntilTableExists({ client: dynamodb, maxWaitTime: 120 }, { TableName });
  }
  await dynamodb.send(new DeleteTableCommand({ TableName }));
  await waitUntilTableNotExists({ client: dynamodb, minDelay: 1, maxWaitTime: 120 }, { TableName });
}

async function confirmAndDelete(
  orphans: Orphans,
  table: string | undefined,
  { terminal, yes }: CleanupContext,
  carryOut: () => Promise<void>,
): Promise<ExitCode> {
  const { items, parameters, servedElsewhere } = orphans;
  if (servedElsewhere.length > 0) {
    terminal.note(
      `Parameters of ${servedElsewhere.join(', ')} hold another deployment's values, and are not deleted.`,
    );
  }
  const lines = [
    ...(table === undefined ? items.map((id) => `item       ${id}`) : [`table      ${table}`]),
    ...parameters.map((name) => `parameter  ${name}`),
  ];
  const answer = (deleted: boolean) => terminal.answer({ deleted, table: table ?? null, ...orphans });
  if (lines.length === 0) {
    terminal.print('There are no orphans.');
    answer(false);
    return exitCodes.ok;
  }
  for (const line of lines) terminal.print(line);
  const question = 'This cannot be undone. Type yes to delete: ';
  if (!(yes || (await confirmed(terminal, question, 'Nothing was deleted')))) {
    answer(false);
    terminal.note('Nothing was deleted.');
    return exitCodes.problem;
  }
  await terminal.during('Deleting', carryOut);
  terminal.print('Deleted.');
  answer(true);
  return exitCodes.ok;
}
