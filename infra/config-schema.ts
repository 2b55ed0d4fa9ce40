import * as z from 'zod';
import { oneOf, text } from '../functions/core/app-schema.ts';
import type { DeepReadonly, WechatApp, WecomApp } from '../functions/core/credential.ts';
import { tokenRoot } from '../functions/deployment.ts';
import { deploymentSchema, parameterPath } from '../functions/deployment-schema.ts';

export const DEFAULT_STACK_NAME = 'WechatTokenRefresher';

/** Lets a cross-check run beside other issues, which must not hide it: it may meet values that are not valid. */
const runDespiteOtherIssues = {
  when: ({ value }: z.core.ParsePayload) => typeof value === 'object' && value !== null,
};

const egressSchema = z
  .strictObject({
    /** The `nat-` modes bring a VPC with a fixed IP. @default 'direct' */
    mode: oneOf(['direct', 'nat-gateway', 'nat-instance', 'proxy']).default('direct'),
    /** The SSM SecureString that holds the proxy's URL; goes with mode `proxy`. */
    proxyUrlParameter: parameterPath('expected an SSM parameter like /wechat/proxy-url').optional(),
  })
  .superRefine(({ mode, proxyUrlParameter }, context) => {
    const issue = (message: string) =>
      context.addIssue({ code: 'custom', path: ['proxyUrlParameter'], message });
    if (mode === 'proxy' && proxyUrlParameter === undefined)
      issue("goes with mode 'proxy': the SSM SecureString that holds the proxy's URL");
    if (mode !== 'proxy' && proxyUrlParameter !== undefined)
      issue("only goes with mode 'proxy'; remove it, or set the mode");
  }, runDespiteOtherIssues);

const readUrlSchema = z.strictObject({
  ...deploymentSchema.shape.readUrl.shape,
  /** @default 'function-url', or 'http-api' in a region without function URLs */
  frontEnd: oneOf(['function-url', 'http-api']).optional(),
});

/** How the refresher reaches WeChat. */
export type EgressOptions = DeepReadonly<z.output<typeof egressSchema>>;
/** What answers under the read URL. */
export type FrontEndKind = NonNullable<z.output<typeof readUrlSchema>['frontEnd']>;

/**
 * The `wechat` context (README.md, Several accounts): what the functions must know, and what infra alone needs beside
 * it. Every check names its remedy; unknown keys are refused.
 */
export const configSchema = z
  .strictObject({
    ...deploymentSchema.shape,
    /** Not here when `-c appId=…` names the only account. */
    apps: deploymentSchema.shape.apps.optional(),
    /** @default 'WechatTokenRefresher' */
    stackName: text(/^[A-Za-z][A-Za-z0-9-]{0,127}$/, 'expected a letter, then letters, digits and -').default(
      DEFAULT_STACK_NAME,
    ),
    readUrl: readUrlSchema.prefault({}),
    egress: egressSchema.prefault({}),
    /** Subscribed to the alarm topic. @default no subscription */
    alarmEmail: z.email('expected an e-mail address').optional(),
    /** The customer's own key for the table and the parameters. @default AWS's keys */
    kmsKeyArn: text(
      /^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:\d{12}:key\/[a-z0-9-]+$/,
      "expected a key's ARN, like arn:aws:kms:eu-west-1:123456789012:key/01234567-…; an alias is not accepted",
    ).optional(),
    /** Other accounts, which may assume a role that reads. @default no role */
    readerAccounts: z
      .array(
        text(/^\d{12}$/, "expected an account's ID, 12 digits in quotes, like '123456789012'"),
        "expected a list of accounts' IDs, like ['123456789012']",
      )
      .min(1, 'expected at least one account; remove the key if there is none')
      .refine((given) => new Set(given).size === given.length, 'names an account twice; remove one')
      .optional(),
  })
  .superRefine(({ apps, parameterPrefix, egress, refreshAfterMinutes, tickMinutes }, context) => {
    const issue = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message });
    const list: PartialApp[] = Array.isArray(apps) ? apps.map((app) => app ?? {}) : [];
    for (const [index, app] of list.entries()) {
      const before = list.slice(0, index);
      if (app.name && before.some((other) => other.name === app.name))
        issue(['apps', index, 'name'], `'${app.name}' is taken by another app; give each its own`);
      const isSame = (other: PartialApp) => other.appId === app.appId && other.tokenApi === app.tokenApi;
      if (app.appId && before.some(isSame)) {
        issue(
          ['apps', index, 'appId'],
          `'${app.appId}' is another app's too: each would invalidate the other's token; remove one`,
        );
      }
      const isSameAgent = (other: PartialApp) => other.corpId === app.corpId && other.agentId === app.agentId;
      // Secrets without an agent cannot be told apart here, and a corp has several.
      if (app.corpId && app.agentId !== undefined && before.some(isSameAgent)) {
        issue(['apps', index, 'agentId'], `'${app.agentId}' of this corp is another app's too; remove one`);
      }
    }
    const proxyUrlParameter = egress?.proxyUrlParameter;
    if (
      typeof proxyUrlParameter === 'string' &&
      proxyUrlParameter.startsWith(`${tokenRoot(parameterPrefix)}/`)
    ) {
      issue(
        ['egress', 'proxyUrlParameter'],
        'is a path where readers of tokens can read it, and it holds a password; choose another path',
      );
    }
    const areWhole = Number.isInteger(refreshAfterMinutes) && Number.isInteger(tickMinutes);
    if (areWhole && refreshAfterMinutes + 2 * tickMinutes >= 120) {
      issue(
        ['refreshAfterMinutes'],
        `leaves no second try before minute 120 with a tick every ${tickMinutes} minutes; lower one of them`,
      );
    }
  }, runDespiteOtherIssues);

/** An app as the cross-checks see it. They run even after other errors, so any key may be missing. */
type PartialApp = Partial<Omit<WechatApp, 'kind' | 'tickets'> & Omit<WecomApp, 'kind' | 'tickets'>>;
