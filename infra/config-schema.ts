import * as z from 'zod';
import {
  appIdSchema,
  appSchema,
  officialAccountSchema,
  oneOf,
  text,
  wholeNumber,
} from '../functions/core/app-schema.ts';
import type { WechatApp, WecomApp } from '../functions/core/credential.ts';
import { defaultWechatHosts, defaultWecomHosts, wechatHost } from '../functions/wechat/hosts.ts';

/** Lets a cross-check run beside other issues, which must not hide it: it may meet values that are no valid ones. */
const runDespiteOtherIssues = {
  when: ({ value }: z.core.ParsePayload) => typeof value === 'object' && value !== null,
};

function hosts(byDefault: readonly string[]) {
  return z
    .array(wechatHost, 'expected a list of base URLs')
    .min(1, 'expected at least one base URL')
    .default([...byDefault]);
}

function parameterPath(cure: string) {
  return text(/^(\/[A-Za-z0-9_.-]+)+$/, cure);
}

/** `-c appId=…`: one account needs no JSON. */
export const singleApp = appIdSchema.transform((appId) =>
  officialAccountSchema.parse({ name: 'default', kind: 'official-account', appId }),
);

export const DEFAULT_STACK_NAME = 'WechatTokenRefresher';
export const DEFAULT_PARAMETER_PREFIX = '/wechat';

/** The `wechat` context of DESIGN.md section 3. Every check says its cure; unknown keys are refused. */
export const wechat = z
  .strictObject({
    apps: z.array(appSchema, 'expected a list of apps').min(1, 'expected at least one app').optional(),
    stackName: text(/^[A-Za-z][A-Za-z0-9-]{0,127}$/, 'expected a letter, then letters, digits and -').default(
      DEFAULT_STACK_NAME,
    ),
    parameterPrefix: parameterPath('expected a path like /wechat, without a slash at its end')
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
      .default(DEFAULT_PARAMETER_PREFIX),
    refreshAfterMinutes: wholeNumber(1, 115).default(100),
    tickMinutes: wholeNumber(1, 5).default(1),
    probeMinutes: wholeNumber(0, 60).default(5),
    wechatHosts: hosts(defaultWechatHosts),
    wecomHosts: hosts(defaultWecomHosts),
    readUrl: z
      .strictObject({
        auth: oneOf(['iam', 'key']).default('iam'),
        cacheSeconds: wholeNumber(0, 60).default(10),
        frontEnd: oneOf(['function-url', 'http-api']).optional(),
      })
      .prefault({}),
    egress: z
      .strictObject({
        mode: oneOf(['direct', 'nat-gateway', 'nat-instance', 'proxy']).default('direct'),
        proxyUrlParameter: parameterPath('expected an SSM parameter like /wechat/proxy-url').optional(),
      })
      .superRefine(({ mode, proxyUrlParameter }, context) => {
        const problem = (message: string) =>
          context.addIssue({ code: 'custom', path: ['proxyUrlParameter'], message });
        if (mode === 'proxy' && proxyUrlParameter === undefined)
          problem("goes with mode 'proxy': the SSM SecureString that holds the proxy's URL");
        if (mode !== 'proxy' && proxyUrlParameter !== undefined)
          problem("only goes with mode 'proxy'; remove it, or set the mode");
      }, runDespiteOtherIssues)
      .prefault({}),
    alarmEmail: z.email('expected an e-mail address').optional(),
    kmsKeyArn: text(
      /^arn:aws(-cn)?:kms:[a-z0-9-]+:\d{12}:key\/[a-z0-9-]+$/,
      "expected a key's ARN, like arn:aws:kms:eu-west-1:123456789012:key/01234567-…; an alias will not do",
    ).optional(),
  })
  .superRefine(({ apps, parameterPrefix, egress, refreshAfterMinutes, tickMinutes }, context) => {
    const problem = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message });
    const list: PartialApp[] = Array.isArray(apps) ? apps.map((each) => each ?? {}) : [];
    for (const [index, one] of list.entries()) {
      const before = list.slice(0, index);
      if (one.name && before.some((other) => other.name === one.name))
        problem(['apps', index, 'name'], `'${one.name}' is taken by another app; give each its own`);
      const isSame = (other: PartialApp) => other.appId === one.appId && other.tokenApi === one.tokenApi;
      if (one.appId && before.some(isSame)) {
        problem(
          ['apps', index, 'appId'],
          `'${one.appId}' is another app's too: the two would kill each other's token; remove one`,
        );
      }
      const isSameAgent = (other: PartialApp) => other.corpId === one.corpId && other.agentId === one.agentId;
      if (one.corpId && before.some(isSameAgent)) {
        problem(['apps', index, 'agentId'], `'${one.agentId}' of this corp is another app's too; remove one`);
      }
    }
    const proxyUrlParameter = egress?.proxyUrlParameter;
    if (typeof proxyUrlParameter === 'string' && proxyUrlParameter.startsWith(`${parameterPrefix}/tokens/`)) {
      problem(
        ['egress', 'proxyUrlParameter'],
        'stands where readers of tokens can read it, and it holds a password; choose another path',
      );
    }
    const whole = Number.isInteger(refreshAfterMinutes) && Number.isInteger(tickMinutes);
    if (whole && refreshAfterMinutes + 2 * tickMinutes >= 120) {
      problem(
        ['refreshAfterMinutes'],
        `leaves no second try before minute 120 with a tick every ${tickMinutes} minutes; lower one of them`,
      );
    }
  }, runDespiteOtherIssues);

/** An app as a cross-check may meet it, beside other mistakes. */
type PartialApp = Partial<Omit<WechatApp, 'kind' | 'tickets'> & Omit<WecomApp, 'kind' | 'tickets'>>;
