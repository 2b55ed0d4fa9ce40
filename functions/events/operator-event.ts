import * as z from 'zod';
import type { App } from '../core/credential.ts';
import { appNamed, describeIssue, InvalidEventError } from './event-error.ts';

/** What operators ask the refresher (`wechat-token-refresher status`, `doctor`); it changes nothing. */
export type Query =
  | { readonly kind: 'status'; readonly apps: readonly App[] }
  | { readonly kind: 'diagnose'; readonly app: App };

const onlyTrue = z.literal(true, 'expected true');
const status = z.strictObject({ status: onlyTrue, app: z.string().optional() });
const diagnose = z.strictObject({
  diagnose: onlyTrue,
  app: z.string("required with 'diagnose': say whose account is meant"),
});

/**
 * @returns undefined for an event that asks nothing
 * @throws InvalidEventError for a question that is asked wrongly
 */
export function parseQueryEvent(event: unknown, apps: readonly App[]): Query | undefined {
  if (typeof event !== 'object' || event === null) return undefined;
  if ('diagnose' in event) {
    return { kind: 'diagnose', app: appNamed(valid(diagnose, event).app, apps) };
  }
  if (!('status' in event)) return undefined;
  const { app } = valid(status, event);
  return { kind: 'status', apps: app === undefined ? apps : [appNamed(app, apps)] };
}

function valid<T>(shape: z.ZodType<T>, event: unknown): T {
  const parsed = shape.safeParse(event);
  if (!parsed.success) throw new InvalidEventError(parsed.error.issues.map(describeIssue));
  return parsed.data;
}
