import * as z from 'zod';
import type { WechatApp } from '../functions/core/credential.ts';
import { defaultWechatHosts, hostList } from '../functions/wechat/hosts.ts';

export type LocalSettings = {
  readonly port: number;
  readonly folder: string;
  /** Undefined: no account was named, so the demo starts the simulator. */
  readonly account:
    | { readonly appId: string; readonly secret: string; readonly hosts: readonly string[] }
    | undefined;
  readonly app: Omit<WechatApp, 'appId'>;
};

/** What the environment says wrongly, and what to write instead. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

const PORT_RANGE = 'expected a port number, 0 to 65535 (0 takes a free one)';

const environment = z.object({
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, PORT_RANGE)
    .transform(Number)
    .refine((port) => port <= 65_535, PORT_RANGE)
    .default(8787),
  LOCAL_DIR: z.string().min(1).default('.local'),
  WECHAT_APPID: z.string().min(1).optional(),
  WECHAT_SECRET: z.string().min(1).optional(),
  WECHAT_HOSTS: hostList.optional(),
  WECHAT_KIND: z.enum(['official-account', 'mini-program', 'mini-game']).default('official-account'),
  WECHAT_TOKEN_API: z.enum(['classic', 'stable']).default('classic'),
  WECHAT_TICKETS: z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((type) => type.trim())
        .filter(Boolean),
    )
    .pipe(z.array(z.enum(['jsapi', 'wx_card'])))
    .optional(),
});

/**
 * Local mode's settings from the environment (DESIGN.md section 7).
 *
 * @throws EnvironmentError that names every wrong variable; never with the value of WECHAT_SECRET
 */
export function readEnvironment(env: NodeJS.ProcessEnv): LocalSettings {
  // A variable that is set to nothing is not set; but WECHAT_TICKETS= means none.
  const set = Object.entries(env).filter(([name, value]) => value !== '' || name === 'WECHAT_TICKETS');
  const parsed = environment.safeParse(Object.fromEntries(set));
  if (!parsed.success) {
    throw new EnvironmentError(
      parsed.error.issues.map((issue) => `${issue.path[0]?.toString()}: ${issue.message}`).join('\n'),
    );
  }
  const { PORT, LOCAL_DIR, WECHAT_APPID, WECHAT_SECRET, WECHAT_HOSTS, WECHAT_KIND, ...rest } = parsed.data;
  const official = WECHAT_KIND === 'official-account';
  const tickets = rest.WECHAT_TICKETS ?? (official ? ['jsapi' as const] : []);
  if (tickets.length > 0 && !official) {
    throw new EnvironmentError(
      `WECHAT_TICKETS: only an official-account has tickets; this is a ${WECHAT_KIND}`,
    );
  }
  if ((WECHAT_APPID === undefined) !== (WECHAT_SECRET === undefined)) {
    const missing = WECHAT_APPID === undefined ? 'WECHAT_APPID' : 'WECHAT_SECRET';
    throw new EnvironmentError(
      `${missing}: set WECHAT_APPID and WECHAT_SECRET together, or neither for the demo`,
    );
  }
  if (WECHAT_HOSTS && !WECHAT_APPID) {
    throw new EnvironmentError(
      'WECHAT_HOSTS: needs WECHAT_APPID and WECHAT_SECRET; the demo brings its own simulator',
    );
  }
  return {
    port: PORT,
    folder: LOCAL_DIR,
    account:
      WECHAT_APPID !== undefined && WECHAT_SECRET !== undefined
        ? { appId: WECHAT_APPID, secret: WECHAT_SECRET, hosts: WECHAT_HOSTS ?? defaultWechatHosts }
        : undefined,
    app: { name: 'default', kind: WECHAT_KIND, tokenApi: rest.WECHAT_TOKEN_API, tickets },
  };
}
