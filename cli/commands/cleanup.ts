import { createInterface } from 'node:readline/promises';
import {
  DeleteTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  ListTablesCommand,
  UpdateTableCommand,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import type { SSMClient } from '@aws-sdk/client-ssm';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { findOrphans, type Orphans, removeOrphans } from '../orphans.ts';
import type { Terminal } from '../terminal.ts';

export type CleanupContext = {
  readonly dynamodb: DynamoDBClient;
  readonly ssm: SSMClient;
  readonly terminal: Terminal;
  /** Said beforehand, by `--yes`; else a person is asked. */
  readonly yes: boolean;
};

/** The stack lives: what belongs to apps that it no longer serves. */
export async function cleanUpApps(
  place: { tableName: string; prefix: string; served: ReadonlySet<string> },
  means: CleanupContext,
): Promise<ExitCode> {
  const orphans = await look(place, means);
  return remove(orphans, undefined, means, () => removeOrphans(means, place.tableName, orphans));
}

/** The stack is destroyed: its parameters, and the table that outlived it. */
export async function cleanUpStack(
  place: { tableName: string; prefix: string },
  means: CleanupContext,
): Promise<ExitCode> {
  const { dynamodb } = means;
  const orphans = await look({ ...place, served: new Set() }, means);
  return remove(orphans, place.tableName, means, async () => {
    await removeOrphans(means, place.tableName, orphans);
    await deleteTable(dynamodb, place.tableName);
  });
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

function look(
  { served, ...place }: { tableName: string; prefix: string; served: ReadonlySet<string> },
  means: CleanupContext,
): Promise<Orphans> {
  return means.terminal.during('Looking for orphans', () => findOrphans(means, place, served));
}

async function remove(
  orphans: Orphans,
  table: string | undefined,
  { terminal, yes }: CleanupContext,
  carryOut: () => Promise<void>,
): Promise<ExitCode> {
  const { items, parameters, servedElsewhere } = orphans;
  if (servedElsewhere.length > 0) {
    terminal.note(`Parameters of ${servedElsewhere.join(', ')} hold another deployment's values, and stay.`);
  }
  const lines = [
    ...(table === undefined ? items.map((id) => `item       ${id}`) : [`table      ${table}`]),
    ...parameters.map((name) => `parameter  ${name}`),
  ];
  const answer = (removed: boolean) => terminal.answer({ removed, table: table ?? null, ...orphans });
  if (lines.length === 0) {
    terminal.say('Nothing is left behind.');
    answer(false);
    return exitCodes.ok;
  }
  for (const line of lines) terminal.say(line);
  if (!(yes || (await confirmed(terminal)))) {
    answer(false);
    terminal.note('Nothing was removed.');
    return exitCodes.problem;
  }
  await terminal.during('Removing', carryOut);
  terminal.say(`Removed ${lines.length} of ${lines.length}.`);
  answer(true);
  return exitCodes.ok;
}

async function confirmed({ json }: Terminal): Promise<boolean> {
  if (json || !process.stdin.isTTY) {
    throw new CliError('usage', 'Nothing was removed: say --yes where nobody can be asked.');
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const said = await prompt.question('This cannot be undone. Type yes to remove it: ');
  prompt.close();
  return said.trim() === 'yes';
}
