import type * as z from 'zod';
import type { Deployment } from '../functions/deployment.ts';
import { deploymentSchema } from '../functions/deployment-schema.ts';
import { configSchema, type FrontEndKind } from './config-schema.ts';
import { hasFunctionUrls, isInChina, partitionOf } from './regions.ts';

type Options = z.output<typeof configSchema>;

/** What is deployed, validated. */
export type Config = Readonly<Omit<Options, keyof Deployment>> & {
  /** What the functions must know; travels in their assets. */
  readonly deployment: Deployment;
  readonly frontEnd: FrontEndKind;
};

/** The CDK context keys that configure us: `wechat` (cdk.json or `-c wechat='{…}'`), `-c appId=`, `-c stackName=`. */
export type Context = { readonly wechat?: unknown; readonly appId?: unknown; readonly stackName?: unknown };

/** Everything that is wrong with the configuration, each by its path and with its remedy. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(problems: readonly string[]) {
    super(['The configuration was refused:', ...problems.map((problem) => `  ${problem}`)].join('\n'));
  }
}

const HOW_TO_NAME_AN_APP =
  'name one account with -c appId=wx…, or several as "wechat": {"apps": [...]} in cdk.json\'s context (see README.md)';

/**
 * Validates the CDK context.
 *
 * @param region where the stack goes, as far as synth knows
 * @throws ConfigError that names every problem
 */
export function loadConfig({ wechat, appId, stackName }: Context, region?: string): Config {
  const given = asObject(wechat);
  const hasApps = given.apps !== undefined;
  const parsed = configSchema.safeParse({
    ...given,
    ...(stackName !== undefined && { stackName }),
    ...(!hasApps && appId !== undefined && { apps: [{ name: 'default', kind: 'official-account', appId }] }),
  });
  // What came from the command line is named as it was written there.
  const writtenAs = new Map([
    ...(stackName === undefined ? [] : [['wechat.stackName', 'stackName'] as const]),
    ...(hasApps || appId === undefined ? [] : [['wechat.apps[0].appId', 'appId'] as const]),
  ]);
  const problems = [
    ...problemsWithAccounts(hasApps, appId !== undefined),
    ...(parsed.error?.issues ?? []).flatMap((issue) => describe(issue, writtenAs)),
    ...(parsed.data ? problemsWithRegion(parsed.data, region) : []),
  ];
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);

  const { stackName: name, egress, alarmEmail, kmsKeyArn, readerAccounts, readUrl } = parsed.data;
  return {
    stackName: name,
    deployment: deploymentSchema.parse(parsed.data),
    egress,
    frontEnd: readUrl.frontEnd ?? (hasFunctionUrls(region) ? 'function-url' : 'http-api'),
    alarmEmail,
    kmsKeyArn,
    readerAccounts,
  };
}

/** cdk.json brings an object, `-c wechat='{…}'` a string. */
function asObject(given: unknown): { apps?: unknown } {
  if (given === undefined) return {};
  let value = given;
  if (typeof value === 'string') {
    try {
      value = JSON.parse(value);
    } catch {
      throw new ConfigError(['wechat: is not JSON; quote it for the shell: -c wechat=\'{"apps": [...]}\'']);
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(['wechat: expected a JSON object']);
  }
  return value;
}

function problemsWithAccounts(hasApps: boolean, hasAppId: boolean): string[] {
  if (hasApps && hasAppId) return ['appId: wechat.apps is set too; only one of these may be'];
  if (!hasApps && !hasAppId) return [`wechat.apps: no account is configured; ${HOW_TO_NAME_AN_APP}`];
  return [];
}

function problemsWithRegion({ readUrl, kmsKeyArn }: Options, region: string | undefined): string[] {
  const problems: string[] = [];
  if (readUrl.auth === 'key' && isInChina(region)) {
    problems.push(
      `wechat.readUrl.auth: 'key' is not available in ${region}: an API there that does not ask for an IAM signature ` +
        "needs an ICP licence, and function URLs do not exist; use 'iam', or let apps read SSM",
    );
  }
  const [, partitionOfKey, , regionOfKey] = kmsKeyArn?.split(':') ?? [];
  if (regionOfKey !== undefined && regionOfKey !== region) {
    const where = region ?? 'a region that is not known here (set AWS_REGION)';
    problems.push(`wechat.kmsKeyArn: is a key of ${regionOfKey}, and the stack goes to ${where}`);
  }
  const partition = region !== undefined && partitionOf(region);
  if (partitionOfKey !== undefined && regionOfKey === region && partition && partition !== partitionOfKey) {
    problems.push(
      `wechat.kmsKeyArn: begins with arn:${partitionOfKey}:, and in ${region} ARNs begin with arn:${partition}:`,
    );
  }
  return problems;
}

/** @param writtenAs names that the user wrote in place of a path */
function describe(issue: z.core.$ZodIssue, writtenAs: ReadonlyMap<string, string>): string[] {
  const path = ['wechat', ...issue.path].reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text ? `${text}.${String(part)}` : String(part),
    '',
  );
  if (issue.code !== 'unrecognized_keys') return [`${writtenAs.get(path) ?? path}: ${issue.message}`];
  return issue.keys.map((key) => `${path}.${key}: ${remedyOfUnknownKey(key)}`);
}

function remedyOfUnknownKey(key: string): string {
  if (/secret/i.test(key))
    return 'a secret does not belong in the configuration; write it to SSM after the deployment';
  return 'is not a key of the configuration; remove it';
}
