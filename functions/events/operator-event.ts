import * as z from 'zod';
import type { App, WechatApp } from '../core/credential.ts';
import { appNamed, describeIssue, InvalidEventError } from './event-error.ts';

/** What operators want of the refresher beside a refresh (`wechat-token-refresher status`, `doctor`, `quota clear`). */
export type OperatorEvent =
  /** Changes nothing. */
  | { readonly kind: 'status'; readonly apps: readonly App[] }
  /** Changes nothing. */
  | { readonly kind: 'diagnose'; readonly app: App }
  /** Resets the day's quota at WeChat. */
  | { readonly kind: 'clear-quota'; readonly app: WechatApp };

const onlyTrue = z.literal(true, 'expected true');
const status = z.strictObject({ status: onlyTrue, app: z.string().optional() });
const diagnose = z.strictObject({
  diagnose: onlyTrue,
  app: z.string("required with 'diagnose': say whose account is meant"),
});
const clearQuota = z.strictObject({
  clearQuota: onlyTrue,
  app: z.string("required with 'clearQuota': say whose account is meant"),
});

/**
 * @returns undefined for an event of another kind
 * @throws InvalidEventError for an operator's event with a wrong field
 */
export function parseOperatorEvent(event: unknown, apps: readonly App[]): OperatorEvent | undefined {
  if (typeof event !== 'object' || event === null) return undefined;
  if ('clearQuota' in event) {
    return { kind: 'clear-quota', app: officialApp(valid(clearQuota, event).app, apps) };
  }
  if ('diagnose' in event) {
    return { kind: 'diagnose', app: appNamed(valid(diagnose, event).app, apps) };
  }
  if (!('status' in event)) return undefined;
  const { app } = valid(status, event);
  return { kind: 'status', apps: app === undefined ? apps : [appNamed(app, apps)] };
}

function officialApp(name: string, apps: readonly App[]): WechatApp {
  const app = appNamed(name, apps);
  if (app.kind !== 'wecom') return app;
  throw new InvalidEventError([`app: '${name}' is a WeCom app, and WeCom has no reset of its limits`]);
}

function valid<T>(shape: z.ZodType<T>, event: unknown): T {
  const parsed = shape.safeParse(event);
  if (!parsed.success) throw new InvalidEventError(parsed.error.issues.map(describeIssue));
  return parsed.data;
}
