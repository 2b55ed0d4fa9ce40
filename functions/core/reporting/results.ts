import { type CredentialName, liveValue } from '../credential.ts';
import type { Decision, Outcome, Reason } from '../renewal.ts';
import type { Snapshot, StepResult } from '../steps/step.ts';

/** What one run did about one credential. Never holds a value. */
export type CredentialResult = {
  readonly app: string;
  readonly credential: CredentialName;
  readonly outcome: Outcome;
  readonly reason: Reason;
  readonly version: number;
  /** Epoch ms; null while there is no value. */
  readonly expiresAt: number | null;
  /** Epoch ms; only while an attempt has to wait. */
  readonly nextAttemptAt?: number;
  readonly error?: { readonly code: string; readonly message: string };
};

export function toResult(step: StepResult): CredentialResult {
  const { credential, outcome, reason, record, error, nextAttemptAt } = step;
  return {
    app: credential.app.name,
    credential: credential.name,
    outcome,
    reason,
    version: record.version,
    expiresAt: record.current?.expiresAt ?? null,
    ...(nextAttemptAt !== undefined && { nextAttemptAt }),
    ...(error && { error: { code: error.code, message: error.message } }),
  };
}

/** The step of a decision that leaves everything as it is. */
export function leaveAlone({ credential, record, now }: Snapshot, { reason, untilMs }: Decision): StepResult {
  const base = { credential, record, reason };
  switch (reason) {
    case 'lease-held':
    case 'being-checked':
      return { ...base, outcome: 'busy' };
    case 'forced-recently':
    case 'forced-quota-spent':
      return { ...base, outcome: 'too-soon', nextAttemptAt: untilMs };
    case 'backing-off':
      return { ...base, outcome: 'backing-off', nextAttemptAt: untilMs, error: record.failure };
    default: {
      const worthWaiting = reason === 'awaiting-successor' || reason === 'rotated-recently';
      const requeueAt = worthWaiting ? untilMs : undefined;
      return liveValue(record, credential.app, now)
        ? { ...base, outcome: 'fresh', requeueAt }
        : { ...base, outcome: 'backing-off', requeueAt, nextAttemptAt: untilMs, error: record.failure };
    }
  }
}
