import type * as z from 'zod';
import type { Deployment } from '../functions/core/credential.ts';
import { singleApp, wechat } from './config-schema.ts';
import { hasFunctionUrls, isInChina } from './regions.ts';

/** What is deployed, validated. */
export type Config = {
  readonly stackName: string;
  /** What the functions must know; travels in their asset. */
  readonly deployment: Deployment;
  /** WeChat's base URLs, the preferred one first. */
  readonly wechatHosts: readonly string[];
  readonly wecomHosts: readonly string[];
  readonly egress: Egress;
  /** What answers under the read URL: see infra/regions.ts. */
  readonly frontEnd: FrontEnd;
  /** A key of the user's own for the table and the parameters; `undefined`: AWS's keys. */
  readonly kmsKeyArn: string | undefined;
  readonly alarmEmail: string | undefined;
};

export type FrontEnd = 'function-url' | 'http-api';

/** The refresher's way to WeChat. */
export type Egress = {
  readonly mode: 'direct' | 'nat-gateway' | 'nat-instance' | 'proxy';
  /** The SSM SecureString that holds the proxy's URL; goes with `proxy`. */
  readonly proxyUrlParameter?: string | undefined;
};

/** The CDK context keys that configure us: `wechat` (cdk.json or `-c wechat='{…}'`), `-c appId=`, `-c stackName=`. */
export type Context = { readonly wechat?: unknown; readonly appId?: unknown; readonly stackName?: unknown };

/** Every mistake in the configuration, each by its path and with its cure. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(problems: readonly string[]) {
    super(['The configuration was refused:', ...problems.map((problem) => `  ${problem}`)].join('\n'));
  }
}

const HOW_TO_NAME_AN_APP =
  'name one account with -c appId=wx…, or several as "wechat": {"apps": [...]} in cdk.json\'s context (see README.md)';

/**
 * Validates the CDK context (DESIGN.md section 3).
 *
 * @param region where the stack goes, as far as synth knows
 * @throws ConfigError that names every mistake
 */
export function loadConfig({ wechat: given, appId, stackName }: Context, region?: string): Config {
  const options = asObject(given);
  const parsed = wechat.safeParse({ ...options, ...(stackName !== undefined && { stackName }) });
  const hasApps = options.apps !== undefined;
  const single = hasApps || appId === undefined ? undefined : singleApp.safeParse(appId);
  const problems = [
    ...problemsWithAccounts(hasApps, appId !== undefined),
    ...(single?.error?.issues ?? []).map(({ message }) => `appId: ${message}`),
    ...(parsed.error?.issues ?? []).flatMap(describe),
    ...(parsed.data ? problemsWithRegion(parsed.data, region) : []),
  ];
  // What came from the command line is named as it was written there.
  const written = problems.map((each) =>
    stackName === undefined ? each : each.replace(/^wechat\.stackName:/, 'stackName:'),
  );
  if (!parsed.success || written.length > 0) throw new ConfigError(written);

  const {
    apps = single?.data ? [single.data] : [],
    wechatHosts,
    wecomHosts,
    alarmEmail,
    readUrl,
    egress,
    kmsKeyArn,
    stackName: name,
    ...rest
  } = parsed.data;
  return {
    stackName: name,
    deployment: { ...rest, apps, readAuth: readUrl.auth, cacheSeconds: readUrl.cacheSeconds },
    wechatHosts,
    wecomHosts,
    egress,
    frontEnd: readUrl.frontEnd ?? (hasFunctionUrls(region) ? 'function-url' : 'http-api'),
    kmsKeyArn,
    alarmEmail,
  };
}

function problemsWithRegion(
  { readUrl, kmsKeyArn }: z.output<typeof wechat>,
  region: string | undefined,
): string[] {
  const problems: string[] = [];
  if (readUrl.auth === 'key' && isInChina(region)) {
    problems.push(
      `wechat.readUrl.auth: 'key' cannot be had in ${region}: an API there that does not ask for an IAM signature needs ` +
        "an ICP licence, and function URLs do not exist; use 'iam', or let apps read SSM",
    );
  }
  const regionOfKey = kmsKeyArn?.split(':')[3];
  if (regionOfKey !== undefined && regionOfKey !== region) {
    const where = region ?? 'a region that is not known here (set AWS_REGION)';
    problems.push(`wechat.kmsKeyArn: is a key of ${regionOfKey}, and the stack goes to ${where}`);
  }
  return problems;
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

function describe(issue: z.core.$ZodIssue): string[] {
  const path = ['wechat', ...issue.path].reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text ? `${text}.${String(part)}` : String(part),
    '',
  );
  if (issue.code !== 'unrecognized_keys') return [`${path}: ${issue.message}`];
  return issue.keys.map((key) => `${path}.${key}: ${cureOfUnknownKey(key)}`);
}

function cureOfUnknownKey(key: string): string {
  if (/secret/i.test(key))
    return 'a secret never stands in the configuration; write it to SSM after the deployment';
  return 'is not a key of the configuration; remove it';
}
