import { type Credential, type CredentialName, type CredentialRecord, liveValue } from '../credential.ts';
import type { Decision, Reason } from '../renewal.ts';

/** What a run did about a credential: docs/architecture.md#reasons. */
export type Outcome =
  | 'fresh'
  | 'renewed'
  | 'unchanged'
  | 'mirrored'
  | 'busy'
  | 'backing-off'
  | 'too-soon'
  | 'failed';

/** What a step came to. `toResult` makes the answer's line of it. */
export type StepResult = {
  readonly credential: Credential;
  readonly outcome: Outcome;
  readonly reason: Reason;
  /** As far as the step knows it. */
  readonly record: CredentialRecord;
  readonly error?: { readonly code: string; readonly message: string } | undefined;
  /** When the next attempt is allowed (epoch ms). */
  readonly nextAttemptAt?: number | undefined;
  /** When it is worth another look within this tick (epoch ms): a sticky value ends then. */
  readonly requeueAt?: number | undefined;
  /** This credential of the app has to be renewed first; its next look is this one's, too. */
  readonly blockedBy?: CredentialName;
  /** WeChat rejected the access token with this fingerprint, so that one is to be renewed first. */
  readonly rejectedToken?: string | undefined;
  /** What was done about the app's access token on the way. */
  readonly recovered?: StepResult;
};

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
export function leaveAlone(
  credential: Credential,
  record: CredentialRecord,
  { reason, untilMs }: Decision,
  now: number,
): StepResult {
  const base = { credential, record, reason };
  switch (reason) {
    case 'lease-held':
      return { ...base, outcome: 'busy' };
    case 'forced-recently':
    case 'forced-quota-spent':
      return { ...base, outcome: 'too-soon', nextAttemptAt: untilMs };
    case 'backing-off':
      return { ...base, outcome: 'backing-off', nextAttemptAt: untilMs, error: record.failure };
    default: {
      const requeueAt = reason === 'awaiting-successor' ? untilMs : undefined;
      return liveValue(record, credential.app, now)
        ? { ...base, outcome: 'fresh', requeueAt }
        : { ...base, outcome: 'backing-off', requeueAt, nextAttemptAt: untilMs, error: record.failure };
    }
  }
}
