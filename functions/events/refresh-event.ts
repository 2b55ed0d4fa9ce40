import * as z from 'zod';
import { type App, credentialNames, credentialsOf } from '../core/credential.ts';
import type { RefreshRequest } from '../core/refresh.ts';
import { appNamed, describeIssue, InvalidEventError, quoted } from './event-error.ts';

/**
 * EventBridge Scheduler's own event, and that of an EventBridge rule: theirs to extend, so unknown fields pass. One that
 * carries fields of a manual refresh is neither.
 */
const scheduled = z.looseObject({
  source: z.enum(['aws.scheduler', 'aws.events']),
  'detail-type': z.literal('Scheduled Event'),
  app: z.undefined().optional(),
  credential: z.undefined().optional(),
  force: z.undefined().optional(),
  reason: z.undefined().optional(),
  rejected: z.undefined().optional(),
});

const manual = z
  .strictObject({
    app: z.string().optional(),
    credential: z.enum(credentialNames).optional(),
    force: z.boolean().optional(),
    reason: z.string().min(1).max(200).optional(),
    rejected: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'expected the SHA-256 of the refused token as 64 lowercase hex digits')
      .optional(),
  })
  .superRefine((event, context) => {
    const problem = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    for (const field of ['credential', 'force', 'rejected'] as const) {
      if (event[field] !== undefined && event.app === undefined) {
        problem('app', `required with '${field}': name the app whose credential is meant`);
      }
    }
    if (event.reason !== undefined && !event.force) problem('reason', "only goes with 'force': true");
    if (event.rejected !== undefined && event.force) {
      problem('rejected', "does not go with 'force': a report renews only what is still current");
    }
  });

/**
 * Validates an invocation's event and finds the apps it is about.
 *
 * @throws InvalidEventError for anything that is not a tick or a manual refresh (README.md)
 */
export function parseRefreshEvent(
  event: unknown,
  apps: readonly App[],
): { apps: readonly App[]; request: RefreshRequest } {
  if (scheduled.safeParse(event).success) return { apps, request: { mayWait: true } };

  const parsed = manual.safeParse(event);
  if (!parsed.success) throw new InvalidEventError(parsed.error.issues.map(describeIssue));
  const { app: name, credential, force, rejected } = parsed.data;
  const request = {
    ...(credential !== undefined && { credential }),
    ...(force !== undefined && { force }),
    ...(rejected !== undefined && { rejected }),
  };
  if (name === undefined) return { apps, request };

  const app = appNamed(name, apps);
  const names = credentialsOf(app).map((each) => each.name);
  if (credential !== undefined && !names.includes(credential)) {
    throw new InvalidEventError([`credential: app '${name}' has no ${credential}; it has ${quoted(names)}`]);
  }
  return { apps: [app], request };
}
