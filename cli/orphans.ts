import { DeleteItemCommand, type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import {
  DeleteParameterCommand,
  GetParameterCommand,
  ParameterNotFound,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import { fingerprintOf } from '../functions/core/credential.ts';
import { secretParameter } from '../functions/deployment.ts';

/** What stays behind when an app leaves the configuration, or the whole stack is destroyed. */
export type Orphans = {
  /** Keys of items of the table. */
  readonly items: readonly string[];
  /** Names of SSM parameters. */
  readonly parameters: readonly string[];
  /** Parameters of these apps are another deployment's by now, and stay. */
  readonly servedElsewhere: readonly string[];
};

type Means = { readonly dynamodb: DynamoDBClient; readonly ssm: SSMClient };
type Place = { readonly tableName: string; readonly prefix: string };

/**
 * Looks for what belongs to apps that are no longer served. A parameter counts as ours only while it holds the very value
 * that the table has: two stacks may share a prefix, and an app may have moved from one to the other.
 *
 * @param served names of the apps that the deployment serves; none of a destroyed one
 */
export async function findOrphans(
  { dynamodb, ssm }: Means,
  place: Place,
  served: ReadonlySet<string>,
): Promise<Orphans> {
  const items = await credentialItems(dynamodb, place.tableName);
  const gone = items.filter(({ app }) => !served.has(app));
  const parameters: string[] = [];
  const servedElsewhere = new Set<string>();
  for (const { app, credential, fingerprint } of gone) {
    const name = `${place.prefix}/tokens/${app}/${credential}`;
    const value = await parameterValue(ssm, name);
    if (value === undefined) continue;
    if (fingerprintOf(value) === fingerprint) parameters.push(name);
    else servedElsewhere.add(app);
  }
  for (const app of new Set(gone.map((item) => item.app))) {
    const name = secretParameter(place.prefix, app);
    if (!servedElsewhere.has(app) && (await parameterValue(ssm, name)) !== undefined) parameters.push(name);
  }
  return {
    items: gone.map(({ app, credential }) => `${app}/${credential}`),
    parameters: parameters.filter((name) => !servedElsewhere.has(name.split('/').at(-2) ?? '')),
    servedElsewhere: [...servedElsewhere],
  };
}

/** Items of credentials; those of reader keys have other names, and stay with their table. */
async function credentialItems(client: DynamoDBClient, tableName: string) {
  const found: { app: string; credential: string; fingerprint: string | undefined }[] = [];
  const pages = paginateScan({ client }, { TableName: tableName, ProjectionExpression: 'id, fingerprint' });
  for await (const { Items = [] } of pages) {
    for (const { id, fingerprint } of Items) {
      const [, app, credential] = /^([a-z0-9-]+)\/([a-z-]+)$/.exec(id?.S ?? '') ?? [];
      if (app && credential) found.push({ app, credential, fingerprint: fingerprint?.S });
    }
  }
  return found;
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

/** Parameters first: while their items are there, an interrupted clean-up can be begun again. */
export async function removeOrphans(
  { dynamodb, ssm }: Means,
  tableName: string,
  orphans: Orphans,
): Promise<void> {
  for (const Name of orphans.parameters) await ssm.send(new DeleteParameterCommand({ Name }));
  for (const id of orphans.items) {
    await dynamodb.send(new DeleteItemCommand({ TableName: tableName, Key: { id: { S: id } } }));
  }
}
