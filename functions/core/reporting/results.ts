import type { Credential, CredentialName, CredentialRecord } from '../credential.ts';
import { liveValue } from '../credential.ts';
import type { Decision } from '../renewal.ts';

export type Outcome =
  | 'fresh'
  | 'renewed'
  | 'unchanged'
  | 'mirrored'
  | 'busy'
  | 'backing-off'
  | 'too-soon'
  | 'failed';

/** What one run did about one credential. Never holds a value. */
export type CredentialResult = {
  readonly app: string;
  readonly credential: CredentialName;
  readonly outcome: Outcome;
  readonly reason: string;
  readonly version: number;
  /** Epoch milliseconds; null while there is no value. */
  readonly expiresAt: number | null;
  readonly error?: { readonly code: string; readonly message: string };
};

export function report(
  credential: Credential,
  record: CredentialRecord | undefined,
  outcome: Outcome,
  reason: string,
  error?: { code: string; message: string },
): CredentialResult {
  return {
    app: credential.app.name,
    credential: credential.name,
    outcome,
    reason,
    version: record?.version ?? 0,
    expiresAt: record?.current?.expiresAt ?? null,
    ...(error && { error: { code: error.code, message: error.message } }),
  };
}

/** The result of a decision that leaves everything as it is. */
export function reportStatus(
  credential: Credential,
  record: CredentialRecord,
  decision: Decision,
  now: number,
): CredentialResult {
  const outcome = standingOutcome(credential, record, decision, now);
  return report(
    credential,
    record,
    outcome,
    decision.reason,
    outcome === 'backing-off' ? record.failure : undefined,
  );
}

function standingOutcome(
  credential: Credential,
  record: CredentialRecord,
  decision: Decision,
  now: number,
): Outcome {
  switch (decision.reason) {
    case 'lease-held':
      return 'busy';
    case 'forced-recently':
    case 'forced-quota-spent':
      return 'too-soon';
    case 'backing-off':
      return 'backing-off';
    default:
      return liveValue(record, credential.app, now) ? 'fresh' : 'backing-off';
  }
}
