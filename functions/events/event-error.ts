import type * as z from 'zod';
import type { App } from '../core/credential.ts';

/**
 * An event that the refresher does not accept. Lambda returns the name as `errorType` and the message, which names the
 * fields, as `errorMessage`; it would return the stack, too, so there is none.
 */
export class InvalidEventError extends Error {
  override readonly name = 'InvalidEventError';
  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.stack = `${this.name}: ${this.message}`;
  }
}

/** @throws InvalidEventError for a name that is not configured */
export function appNamed(name: string, apps: readonly App[]): App {
  const app = apps.find((each) => each.name === name);
  if (app) return app;
  // Not quoted: what stands in the wrong field may be a token.
  throw new InvalidEventError([
    `app: no app of this name is configured; known are ${quoted(apps.map((each) => each.name))}`,
  ]);
}

export function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `${issue.keys.join(', ')}: not a field of this event`;
  return `${issue.path.join('.') || 'event'}: ${issue.message}`;
}

/** At most twenty of them. */
export function quoted(names: readonly string[]): string {
  const shown = names.slice(0, 20).map((name) => `'${name}'`);
  return names.length > shown.length ? `${shown.join(', ')}, … (${names.length} in all)` : shown.join(', ');
}
