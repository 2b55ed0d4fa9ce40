import * as z from 'zod';
import type { App, Deployment } from '../functions/core/credential.ts';
import { defaultWechatHosts, wechatHost } from '../functions/wechat/hosts.ts';

/** What is deployed, validated. */
export type Config = {
  readonly stackName: string;
  /** What the functions must know; travels in their asset. */
  readonly deployment: Deployment;
  /** WeChat's base URLs, the preferred one first. */
  readonly wechatHosts: readonly string[];
  readonly alarmEmail: string | undefined;
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

/** @param later values of the contract that this version refuses: told apart from mere mistakes */
function oneOf<const T extends string>(supported: readonly T[], later: readonly string[] = []) {
  return z.enum(supported, {
    error: ({ input }) =>
      later.includes(String(input))
        ? `'${input}' is not supported yet; this version supports ${supported.join(', ')}`
        : `expected one of ${supported.join(', ')}`,
  });
}

function wholeNumber(min: number, max: number) {
  const cure = `expected a whole number from ${min} to ${max}`;
  return z.int(cure).min(min, cure).max(max, cure);
}

/** @param cure said for a wrong type as well as for a wrong shape */
function text(shape: RegExp, cure: string) {
  return z.string(cure).regex(shape, cure);
}

const app = z
  .strictObject({
    name: text(/^[a-z0-9-]{1,32}$/, 'expected 1 to 32 of a-z, 0-9 and -'),
    kind: oneOf(['official-account', 'mini-program', 'mini-game'], ['wecom']),
    appId: text(/^[A-Za-z0-9_-]{4,64}$/, 'expected the AppID from mp.weixin.qq.com, like wx0123456789abcdef'),
    tokenApi: oneOf(['classic', 'stable']).default('classic'),
    tickets: z.array(oneOf(['jsapi'], ['wx_card', 'agent_config'])).default([]),
  })
  .superRefine(({ kind, tickets }, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', path: ['tickets'], message });
    if (tickets.length > 0 && kind !== 'official-account') problem(`a ${kind} has no tickets; remove them`);
    if (new Set(tickets).size < tickets.length) problem('names a ticket twice');
  });

const wechat = z
  .strictObject({
    apps: z.array(app, 'expected a list of apps').min(1, 'expected at least one app').optional(),
    stackName: text(/^[A-Za-z][A-Za-z0-9-]{0,127}$/, 'expected a letter, then letters, digits and -').default(
      'WechatTokenRefresher',
    ),
    parameterPrefix: text(
      /^(\/[A-Za-z0-9_.-]+)+$/,
      'expected a path like /wechat, without a slash at its end',
    )
      .refine(
        (prefix) => !/^\/(aws|ssm)/i.test(prefix),
        'SSM keeps names that begin with aws or ssm for itself',
      )
      .refine(
        (prefix) => !/\/(tokens|secrets)(\/|$)/.test(prefix),
        'has a level named tokens or secrets: readers of another stack above it could read its secrets',
      )
      .default('/wechat'),
    refreshAfterMinutes: wholeNumber(1, 115).default(100),
    tickMinutes: wholeNumber(1, 5).default(1),
    probeMinutes: wholeNumber(0, 60).default(5),
    wechatHosts: z
      .array(wechatHost, 'expected a list of base URLs')
      .min(1, 'expected at least one base URL')
      .default([...defaultWechatHosts]),
    readUrl: z
      .strictObject({
        auth: oneOf(['iam'], ['key']).default('iam'),
        cacheSeconds: wholeNumber(0, 60).default(10),
      })
      .prefault({}),
    egress: z
      .strictObject({ mode: oneOf(['direct'], ['nat-gateway', 'nat-instance', 'proxy']).default('direct') })
      .prefault({}),
    alarmEmail: z.email('expected an e-mail address').optional(),
  })
  .superRefine(({ apps = [], refreshAfterMinutes, tickMinutes }, context) => {
    const problem = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message });
    for (const [index, { name, appId, tokenApi }] of apps.entries()) {
      const before = apps.slice(0, index);
      if (before.some((other) => other.name === name))
        problem(['apps', index, 'name'], `'${name}' is taken by another app`);
      if (before.some((other) => other.appId === appId && other.tokenApi === tokenApi)) {
        problem(
          ['apps', index, 'appId'],
          `'${appId}' is another app's too: the two would kill each other's token`,
        );
      }
    }
    if (refreshAfterMinutes + 2 * tickMinutes >= 120) {
      problem(
        ['refreshAfterMinutes'],
        `leaves no second try before minute 120 with a tick every ${tickMinutes} minutes; lower one of them`,
      );
    }
  });

const HOW_TO_NAME_AN_APP =
  'name one account with -c appId=wx…, or several as "wechat": {"apps": [...]} in cdk.json\'s context (see README.md)';

/**
 * Validates the CDK context (DESIGN.md section 3).
 *
 * @throws ConfigError that names every mistake
 */
export function loadConfig(context: Context): Config {
  const given = asObject(context.wechat);
  const stackName = context.stackName === undefined ? {} : { stackName: context.stackName };
  const parsed = wechat.safeParse({ ...given, ...stackName });
  if (!parsed.success) throw new ConfigError(parsed.error.issues.flatMap(describe));

  const { apps, wechatHosts, alarmEmail, readUrl, egress: _direct, stackName: name, ...rest } = parsed.data;
  return {
    stackName: name,
    deployment: {
      ...rest,
      apps: apps ? refuseBoth(apps, context.appId) : [singleApp(context.appId)],
      cacheSeconds: readUrl.cacheSeconds,
    },
    wechatHosts,
    alarmEmail,
  };
}

/** cdk.json brings an object, `-c wechat='{…}'` a string. */
function asObject(given: unknown): object {
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

function refuseBoth(apps: readonly App[], appId: unknown): readonly App[] {
  if (appId === undefined) return apps;
  throw new ConfigError(['appId: wechat.apps is set too; only one of these may be']);
}

/** One account needs no JSON. */
function singleApp(appId: unknown): App {
  if (appId === undefined)
    throw new ConfigError([`wechat.apps: no account is configured; ${HOW_TO_NAME_AN_APP}`]);
  const parsed = app.safeParse({ name: 'default', kind: 'official-account', appId });
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map(({ message }) => `appId: ${message}`));
  return parsed.data;
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

/** Keys of the contract that this version refuses. */
const LATER_KEYS = ['corpId', 'agentId', 'wecomHosts', 'proxyUrlParameter'];

function cureOfUnknownKey(key: string): string {
  if (LATER_KEYS.includes(key)) return 'is not supported yet; remove it';
  if (/secret/i.test(key))
    return 'a secret never stands in the configuration; write it to SSM after the deployment';
  return 'is not a key of the configuration; remove it';
}
