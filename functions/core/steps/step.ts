import {
  blankRecord,
  type Credential,
  type CredentialName,
  type CredentialRecord,
  credentialId,
  discardImplausibleInstants,
} from '../credential.ts';
import type { RecordStore, Run } from '../ports.ts';
import type { Outcome, Reason, RenewalPolicy } from '../renewal.ts';

/** What a step is given and what it returns. */

/** What the table said about one credential, and when. */
export type Snapshot = {
  readonly credential: Credential;
  /** What the next write is conditional on; `undefined`: there is no item yet. */
  readonly stored: CredentialRecord | undefined;
  /** The same for the rules: never absent, and without instants that cannot be true. */
  readonly record: CredentialRecord;
  /** Epoch ms. */
  readonly now: number;
};

export function snapshotOf(
  credential: Credential,
  stored: CredentialRecord | undefined,
  now: number,
): Snapshot {
  const record = stored ?? blankRecord(idOf(credential));
  return { credential, stored, record: discardImplausibleInstants(record, now), now };
}

export async function readSnapshot(
  credential: Credential,
  now: number,
  store: RecordStore,
): Promise<Snapshot> {
  const id = idOf(credential);
  return snapshotOf(credential, (await store.read([id])).get(id), now);
}

export function idOf({ app, name }: Credential): string {
  return credentialId(app.name, name);
}

/** What is to be done about a snapshot, and why. */
export type Work = Snapshot & {
  readonly reason: Reason;
  readonly policy: RenewalPolicy;
  readonly force: boolean;
  readonly run: Run;
};

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
  /** The record has changed so that another decision is due at once. */
  readonly decideAgain?: boolean;
  /** WeChat rejected the access token with this fingerprint, so that one is to be checked first. */
  readonly suspectedToken?: string | undefined;
  /** WeChat grants no ticket for that token, whatever it says in a probe. */
  readonly needsNewToken?: boolean;
  /** What was done about the app's access token on the way. */
  readonly recovered?: StepResult;
};
