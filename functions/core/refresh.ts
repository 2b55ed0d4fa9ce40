import pLimit from 'p-limit';
import { type App, type Credential, type CredentialName, credentialsOf } from './credential.ts';
import type { Ports, Run } from './ports.ts';
import type { RenewalRequest } from './renewal.ts';
import { type CredentialResult, toResult } from './reporting/results.ts';
import type { Schedule } from './rules/timing.ts';
import { recheckCredential, refreshCredential } from './steps/refresh-credential.ts';
import { idOf, type Snapshot, type StepResult, snapshotOf } from './steps/step.ts';

/** What a caller asks for: a plain tick, or one credential in a particular way. */
export type RefreshRequest = {
  readonly credential?: CredentialName;
  readonly force?: boolean;
  /** Fingerprint of a value that WeChat rejected, as an app reports. */
  readonly rejected?: string;
  /** A scheduled tick may wait for the moment in which a sticky credential ends; a person waits for no such thing. */
  readonly mayWait?: boolean;
};

/** Upstream calls under way at once: many apps behind one slow host must not starve each other. */
const PARALLEL_ATTEMPTS = 50;

/**
 * The use case: decide -> lease -> fetch -> commit -> mirror, for every credential of the apps in question. One `now`
 * for the whole run. Never throws for a credential's sake: one app's failure is its own result.
 *
 * @param apps the apps to look at, already narrowed to those that the request names
 */
export async function refresh(
  apps: readonly App[],
  request: RefreshRequest,
  schedule: Schedule,
  ports: Ports,
): Promise<CredentialResult[]> {
  const run = { ...schedule, now: ports.clock.now(), ports, limit: pLimit(PARALLEL_ATTEMPTS) };
  const wanted = apps.map((app) => credentialsOf(app).filter(isWanted(request)));
  const records = await ports.store.read(wanted.flat().map(idOf));
  const perApp = wanted.map((credentials) => {
    const snapshots = credentials.map((each) => snapshotOf(each, records.get(idOf(each)), run.now));
    return refreshApp(snapshots, request, run);
  });
  return (await Promise.all(perApp)).flat().map(toResult);
}

/** In order, for a ticket is fetched with the token that this very run may have renewed; then the ends within this tick. */
async function refreshApp(
  snapshots: readonly Snapshot[],
  request: RefreshRequest,
  run: Run,
): Promise<StepResult[]> {
  const results = new Map<CredentialName, StepResult>();
  const rechecks: ScheduledRecheck[] = [];
  const recordResult = (step: StepResult) => {
    const { credential, recovered, blockedBy } = step;
    results.set(credential.name, step);
    if (recovered && results.has(recovered.credential.name)) {
      results.set(recovered.credential.name, recovered);
    }
    // What was blocked is looked at again when that which blocks it is.
    const at = blockedBy
      ? rechecks.find(({ last }) => last.credential.name === blockedBy)?.at
      : step.requeueAt;
    const inTime = at !== undefined && at <= run.now + run.timing.lastStartMs;
    if (inTime && request.mayWait) rechecks.push({ last: step, at });
  };

  for (const snapshot of snapshots) {
    recordResult(await refreshCredential(snapshot, requestFor(snapshot.credential, request), run));
  }
  for (let next = popEarliest(rechecks); next; next = popEarliest(rechecks)) {
    const { clock } = run.ports;
    await clock.sleepUntil(next.at);
    recordResult(await recheckCredential(next.last, Math.max(next.at, clock.now()), run));
  }
  return [...results.values()];
}

/** A moment within this tick (epoch ms) at which a credential is worth another look. */
type ScheduledRecheck = { readonly last: StepResult; readonly at: number };

/** Of those at the same moment the one that was scheduled first: a token before its tickets. */
function popEarliest(rechecks: ScheduledRecheck[]): ScheduledRecheck | undefined {
  const earliest = rechecks.toSorted((one, other) => one.at - other.at)[0];
  if (earliest) rechecks.splice(rechecks.indexOf(earliest), 1);
  return earliest;
}

function isWanted(request: RefreshRequest): (credential: Credential) => boolean {
  return ({ name }) => request.credential === undefined || request.credential === name;
}

/** Force and reports mean the access token unless they name another: forcing a ticket that is valid brings nothing new. */
function requestFor(credential: Credential, request: RefreshRequest): RenewalRequest {
  if (credential.name !== (request.credential ?? 'access-token')) return {};
  const { force = false, rejected } = request;
  return { force, ...(rejected !== undefined && { rejected }) };
}
