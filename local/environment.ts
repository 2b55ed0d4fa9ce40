import * as z from 'zod';
import { appSchema } from '../functions/core/app-schema.ts';
import type { App } from '../functions/core/credential.ts';
import { defaultWechatHosts, hostList } from '../functions/wechat/hosts.ts';
import { DEMO_ACCOUNT } from './simulator/simulator.ts';

export type LocalSettings = {
  readonly port: number;
  readonly folder: string;
  readonly app: App;
  /** Undefined: no account was named, so that the demo starts a simulator. */
  readonly wechat: { readonly secret: string; readonly hosts: readonly string[] } | undefined;
};

/** Names every variable that is wrong, a line each, and says what to write instead. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

type Variables = Readonly<Record<string, string | undefined>>;

const PORT_RANGE = 'expected a port number, 0 to 65535 (0 takes a free one)';

const processSettings = z.object({
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, PORT_RANGE)
    .transform(Number)
    .refine((port) => port <= 65_535, PORT_RANGE)
    .default(8787),
  LOCAL_DIR: z.string().default('.local'),
  WECHAT_SECRET: z.string().optional(),
  WECHAT_HOSTS: hostList.optional(),
});

/** The variable that each field of the app is read from. */
const appVariables: Variables = {
  appId: 'WECHAT_APPID',
  kind: 'WECHAT_KIND',
  tokenApi: 'WECHAT_TOKEN_API',
  tickets: 'WECHAT_TICKETS',
};

/**
 * Local mode's settings from the environment.
 *
 * @throws EnvironmentError that names every wrong variable; never with the value of WECHAT_SECRET
 */
export function readEnvironment(env: NodeJS.ProcessEnv): LocalSettings {
  // A variable that is set to nothing is not set; but WECHAT_TICKETS= means none.
  const set: Variables = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => value !== '' || name === 'WECHAT_TICKETS'),
  );
  const settings = processSettings.safeParse(set);
  const input = appInput(set);
  const app = appSchema.safeParse(input);
  const problems = [
    ...(settings.error?.issues ?? []).map(({ path, message }) => `${String(path[0])}: ${message}`),
    ...appProblems(input),
    ...combinationProblems(set),
  ];
  if (!settings.success || !app.success || problems.length > 0) {
    throw new EnvironmentError(problems.join('\n'));
  }
  const { PORT: port, LOCAL_DIR: folder, WECHAT_SECRET: secret, WECHAT_HOSTS: hosts } = settings.data;
  return {
    port,
    folder,
    app: app.data,
    wechat: secret === undefined ? undefined : { secret, hosts: hosts ?? defaultWechatHosts },
  };
}

/** What `appSchema` checks and completes. */
function appInput(set: Variables) {
  const kind = set['WECHAT_KIND'] ?? 'official-account';
  const tickets = set['WECHAT_TICKETS'] ?? (kind === 'official-account' ? 'jsapi' : '');
  return {
    name: 'default',
    kind,
    appId: set['WECHAT_APPID'] ?? DEMO_ACCOUNT.appId,
    tokenApi: set['WECHAT_TOKEN_API'],
    tickets: tickets
      .split(',')
      .map((type) => type.trim())
      .filter(Boolean),
  };
}

function appProblems(input: ReturnType<typeof appInput>): string[] {
  const issues = appSchema.safeParse(input).error?.issues ?? [];
  const unknownKind = issues.some(({ path }) => path[0] === 'kind');
  const problems = issues.map(({ path, message }) => {
    const variable = appVariables[String(path[0])];
    return variable
      ? `${variable}: ${message}`
      : `WECHAT_KIND: local mode has no variables for an app of kind ${input.kind}`;
  });
  // An unknown kind ends the check of the app: the other variables are checked as those of the default kind.
  if (unknownKind) problems.push(...appProblems({ ...input, kind: 'official-account' }));
  return [...new Set(problems)];
}

function combinationProblems(set: Variables): string[] {
  const hasAccount = set['WECHAT_APPID'] !== undefined;
  const problems: string[] = [];
  if (hasAccount !== (set['WECHAT_SECRET'] !== undefined)) {
    const missing = hasAccount ? 'WECHAT_SECRET' : 'WECHAT_APPID';
    problems.push(`${missing}: set WECHAT_APPID and WECHAT_SECRET together, or neither for the demo`);
  }
  if (set['WECHAT_HOSTS'] !== undefined && !hasAccount) {
    problems.push('WECHAT_HOSTS: needs WECHAT_APPID and WECHAT_SECRET; the demo brings its own simulator');
  }
  return problems;
}
