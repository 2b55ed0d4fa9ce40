import { z } from 'zod';
import type { Deployment } from '../functions/core/credential.ts';
import { context } from './config-schema.ts';

/** Everything that `cdk synth` decides. */
export type Config = {
  readonly stackName: string;
  /** What the functions must know as well. */
  readonly deployment: Deployment;
  /** Base URLs of WeChat's servers, the preferred one first. */
  readonly wechatHosts: readonly string[];
  readonly alarmEmail: string | undefined;
};

/** The three context keys, as `tryGetContext` returns them: objects from `cdk.json`, strings from `-c`. */
export type ContextValues = {
  readonly wechat?: unknown;
  readonly appId?: unknown;
  readonly stackName?: unknown;
};

/** A configuration that cannot be deployed. The message names every problem, its path and its cure. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super(`The configuration has ${count}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

/**
 * Validates the CDK context of DESIGN.md section 3 and fills in the defaults.
 *
 * @throws ConfigError for any mistake, with all of them in one message
 */
export function loadConfig(values: ContextValues): Config {
  const wechat = parseJson(values.wechat);
  if (wechat === undefined && values.appId === undefined) throw new ConfigError([NOTHING_CONFIGURED]);
  if (values.appId !== undefined && has(wechat, 'apps')) {
    throw new ConfigError([
      'appId, wechat.apps: only one of these may be set; for several accounts list them all in wechat.apps',
    ]);
  }

  const result = context.safeParse({
    wechat: values.appId === undefined ? wechat : withOneApp(wechat, values.appId),
    stackName: values.stackName,
  });
  if (!result.success) {
    const root = values.appId === undefined ? undefined : 'appId';
    throw new ConfigError(result.error.issues.flatMap((issue) => describe(issue, root)));
  }

  const { apps, parameterPrefix, refreshAfterMinutes, tickMinutes, probeMinutes, readUrl } =
    result.data.wechat;
  return {
    // The command line wins, so that one cdk.json can serve several stacks.
    stackName: result.data.stackName ?? result.data.wechat.stackName,
    deployment: {
      apps,
      parameterPrefix,
      refreshAfterMinutes,
      tickMinutes,
      probeMinutes,
      cacheSeconds: readUrl.cacheSeconds,
    },
    wechatHosts: result.data.wechat.wechatHosts,
    alarmEmail: result.data.wechat.alarmEmail,
  };
}

const NOTHING_CONFIGURED = `wechat: no account is configured; do one of these:
      one official account: cdk deploy -c appId=wx0123456789abcdef
      any number of accounts: in the "context" of cdk.json, or as -c wechat='{…}', write
        "wechat": { "apps": [{ "name": "shop", "kind": "official-account", "appId": "wx0123456789abcdef" }] }`;

function parseJson(wechat: unknown): unknown {
  if (typeof wechat !== 'string') return wechat;
  try {
    return JSON.parse(wechat);
  } catch {
    throw new ConfigError([
      `wechat: this is not valid JSON; quote it for your shell, as in -c wechat='{"apps":[…]}', or put it into cdk.json`,
    ]);
  }
}

/** `-c appId=…`: one account needs no JSON. */
function withOneApp(wechat: unknown, appId: unknown): unknown {
  const apps = [{ name: 'default', kind: 'official-account', appId }];
  return wechat === undefined ? { apps } : isObject(wechat) ? { ...wechat, apps } : wechat;
}

/** @param appsRoot what the user wrote instead of `wechat.apps` */
function describe(issue: z.core.$ZodIssue, appsRoot: string | undefined): string[] {
  const [, key] = issue.path;
  const path = key === 'apps' && appsRoot ? appsRoot : z.core.toDotPath(issue.path);
  if (issue.code !== 'unrecognized_keys') return [`${path}: ${issue.message}`];
  return issue.keys.map((unknown) => `${path}.${unknown}: ${cureOfUnknownKey(unknown) ?? issue.message}`);
}

function cureOfUnknownKey(key: string): string | undefined {
  if (/secret/i.test(key)) {
    return 'a secret never goes into the configuration; write it to its SSM SecureString after the deployment';
  }
  if (['corpId', 'agentId', 'wecomHosts'].includes(key)) {
    return 'WeCom is not supported yet; leave this out and list official-account, mini-program or mini-game apps only';
  }
  return key === 'proxyUrlParameter'
    ? "a proxy is not supported yet; leave this out and use egress.mode 'direct'"
    : undefined;
}

function has(value: unknown, key: string): boolean {
  return isObject(value) && key in value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
