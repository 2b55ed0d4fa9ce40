import { DeleteItemCommand, type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import {
  DeleteParameterCommand,
  GetParameterCommand,
  ParameterNotFound,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import { type CredentialName, credentialNames, fingerprintOf } from '../functions/core/credential.ts';
import { secretParameter, tokenParameter } from '../functions/deployment.ts';

/** What remains when an app is removed from the configuration, or the whole stack is destroyed. */
export type Orphans = {
  /** Keys of items of the table. */
  readonly items: readonly string[];
  /** Names of SSM parameters. */
  readonly parameters: readonly string[];
  /** Apps whose parameters another deployment writes by now; these stay. */
  readonly servedElsewhere: readonly string[];
};

/** Where a deployment stores its data. */
export type Location = { readonly tableName: string; readonly prefix: string };

type Clients = { readonly dynamodb: DynamoDBClient; readonly ssm: SSMClient };
type Item = {
  readonly app: string;
  readonly credential: CredentialName;
  readonly fingerprint: string | undefined;
};

/**
 * Finds what belongs to apps that are no longer served. An app's parameters are ours only if they hold the very values
 * of the table: two stacks may share a prefix, and an app may have moved from one to the other.
 *
 * @param served names of the apps that the deployment serves; none if it is destroyed
 */
export async function findOrphans(
  { dynamodb, ssm }: Clients,
  { tableName, prefix }: Location,
  served: ReadonlySet<string>,
): Promise<Orphans> {
  const items = (await credentialItems(dynamodb, tableName)).filter(({ app }) => !served.has(app));
  const parameters: string[] = [];
  const servedElsewhere: string[] = [];
  for (const [app, itemsOfApp] of Map.groupBy(items, (item) => item.app)) {
    const own = await ownParameters(ssm, prefix, app, itemsOfApp);
    if (own) parameters.push(...own);
    else servedElsewhere.push(app);
  }
  return {
    items: items.map(({ app, credential }) => `${app}/${credential}`),
    parameters,
    servedElsewhere,
  };
}

/** Items of credentials; those of reader keys have other names, and stay as long as their table. */
async function credentialItems(client: DynamoDBClient, tableName: string): Promise<Item[]> {
  const found: Item[] = [];
  const pages = paginateScan({ client }, { TableName: tableName, ProjectionExpression: 'id, fingerprint' });
  for await (const { Items = [] } of pages) {
    for (const { id, fingerprint } of Items) {
      const [, app, name] = /^([a-z0-9-]+)\/([a-z-]+)$/.exec(id?.S ?? '') ?? [];
      const credential = credentialNames.find((each) => each === name);
      if (app && credential) found.push({ app, credential, fingerprint: fingerprint?.S });
    }
  }
  return found;
}

/** @returns undefined when a parameter holds another value than the table: another deployment serves the app by now */
async function ownParameters(
  ssm: SSMClient,
  prefix: string,
  app: string,
  items: readonly Item[],
): Promise<string[] | undefined> {
  const names: string[] = [];
  for (const { credential, fingerprint } of items) {
    const name = tokenParameter(prefix, app, credential);
    const value = await parameterValue(ssm, name);
    if (value === undefined) continue;
    if (fingerprintOf(value) !== fingerprint) return undefined;
    names.push(name);
  }
  const secret = secretParameter(prefix, app);
  if ((await parameterValue(ssm, secret)) !== undefined) names.push(secret);
  return names;
}

async function parameterValue(ssm: SSMClient, name: string): Promise<string | undefined> {
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
    return Parameter?.Value;
  } catch (error) {
    if (error instanceof ParameterNotFound) return undefined;
    throw error;
  }
}

/** Parameters first: as long as their items exist, an interrupted cleanup can be repeated. */
export async function deleteOrphans(
  { dynamodb, ssm }: Clients,
  tableName: string,
  { items, parameters }: Orphans,
): Promise<void> {
  for (const Name of parameters) await ssm.send(new DeleteParameterCommand({ Name }));
  for (const id of items) {
    await dynamodb.send(new DeleteItemCommand({ TableName: tableName, Key: { id: { S: id } } }));
  }
}
