import * as z from 'zod';
import type { App } from '../functions/core/credential.ts';
import { defaultWechatHosts, wechatHost } from '../functions/wechat/hosts.ts';

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

/** Lets a cross-check run beside other mistakes, which must not hide it: it may meet values that are no valid ones. */
const besideOtherMistakes = {
  when: ({ value }: z.core.ParsePayload) => typeof value === 'object' && value !== null,
};

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
    tickets: z
      .array(oneOf(['jsapi'], ['wx_card', 'agent_config']), 'expected a list of tickets')
      .refine((tickets) => new Set(tickets).size === tickets.length, 'names a ticket twice; remove one')
      .default([]),
  })
  .superRefine(({ kind, tickets }, context) => {
    const has = Array.isArray(tickets) && tickets.length > 0;
    if (has && (kind === 'mini-program' || kind === 'mini-game')) {
      context.addIssue({
        code: 'custom',
        path: ['tickets'],
        message: `a ${kind} has no tickets; remove them`,
      });
    }
  }, besideOtherMistakes);

/** `-c appId=…`: one account needs no JSON. */
export const singleApp = app.shape.appId.transform((appId) =>
  app.parse({ name: 'default', kind: 'official-account', appId }),
);

/** The `wechat` context of DESIGN.md section 3. Every check says its cure; unknown keys are refused. */
export const wechat = z
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
        (prefix) => prefix.split('/').length <= 13,
        'has more than 12 levels: SSM allows 15, and <root>/<app>/<credential> needs three',
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
  .superRefine(({ apps, refreshAfterMinutes, tickMinutes }, context) => {
    const problem = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message });
    const list: Partial<App>[] = Array.isArray(apps) ? apps.map((each) => each ?? {}) : [];
    for (const [index, { name, appId, tokenApi }] of list.entries()) {
      const before = list.slice(0, index);
      if (name && before.some((other) => other.name === name))
        problem(['apps', index, 'name'], `'${name}' is taken by another app; give each its own`);
      if (appId && before.some((other) => other.appId === appId && other.tokenApi === tokenApi)) {
        problem(
          ['apps', index, 'appId'],
          `'${appId}' is another app's too: the two would kill each other's token; remove one`,
        );
      }
    }
    const whole = Number.isInteger(refreshAfterMinutes) && Number.isInteger(tickMinutes);
    if (whole && refreshAfterMinutes + 2 * tickMinutes >= 120) {
      problem(
        ['refreshAfterMinutes'],
        `leaves no second try before minute 120 with a tick every ${tickMinutes} minutes; lower one of them`,
      );
    }
  }, besideOtherMistakes);
