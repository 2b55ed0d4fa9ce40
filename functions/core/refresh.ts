import pLimit from 'p-limit';
import {
  type App,
  type Credential,
  type CredentialName,
  type CredentialRecord,
  credentialId,
  credentialsOf,
} from './credential.ts';
import type { Ports } from './ports.ts';
import type { RenewalRequest } from './renewal.ts';
import type { CredentialResult } from './reporting/results.ts';
import { refreshCredential } from './steps/refresh-credential.ts';
import type { Run, Schedule, Visit } from './steps/run.ts';

/** What a caller asks for: a plain tick, or one credential in a particular way. */
export type RefreshRequest = {
  readonly credential?: CredentialName;
  readonly force?: boolean;
  readonly rejected?: string;
  /** A scheduled tick may stay for the moment in which a sticky credential ends; a person waits for no such thing. */
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
  const wanted = apps.map((app) => credentialsOf(app).filter(isWanted(request)));
  const run = startRun(schedule, ports);
  const records = await ports.store.read(wanted.flat().map(idOf));
  const perApp = wanted.map((credentials) => refreshApp(credentials, records, request, run));
  return (await Promise.all(perApp)).flat();
}

function startRun(schedule: Schedule, ports: Ports): Run {
  const run: Run = {
    ...schedule,
    now: ports.clock.now(),
    ports,
    limit: pLimit(PARALLEL_ATTEMPTS),
    async healToken(app, rejectedFingerprint, now) {
      const token: Credential = { app, name: 'access-token' };
      const found = (await ports.store.read([idOf(token)])).get(idOf(token));
      // Within the attempt of a ticket, which has its place already: waiting for another could wait for ever.
      const atOnce: Run = { ...run, limit: (task) => task() };
      return (await refreshCredential(token, found, { rejectedFingerprint }, atOnce, now)).result;
    },
  };
  return run;
}

/** In order, for a ticket is fetched with the token that this very run may have renewed; then the ends within this tick. */
async function refreshApp(
  credentials: readonly Credential[],
  records: ReadonlyMap<string, CredentialRecord>,
  request: RefreshRequest,
  run: Run,
): Promise<CredentialResult[]> {
  const results = new Map<string, CredentialResult>();
  const appointments: Appointment[] = [];
  const note = (credential: Credential, { result, healed, requeueAt }: Visit) => {
    results.set(idOf(credential), result);
    const tokenId = idOf({ app: credential.app, name: 'access-token' });
    if (healed && results.has(tokenId)) results.set(tokenId, healed);
    // A ticket that lacks a token comes back when the token does.
    const tokenAt = appointments.find(({ credential: { name } }) => name === 'access-token')?.at;
    const at = result.reason === 'no-access-token' ? tokenAt : requeueAt;
    const inTime = at !== undefined && at <= run.now + run.timing.lastStartMs;
    if (inTime && request.mayWait) appointments.push({ credential, at });
  };

  for (const credential of credentials) {
    const found = records.get(idOf(credential));
    note(credential, await refreshCredential(credential, found, demandFor(credential, request), run));
  }
  for (let next = takeEarliest(appointments); next; next = takeEarliest(appointments)) {
    const { credential, at } = next;
    await run.ports.clock.sleepUntil(at);
    const found = (await run.ports.store.read([idOf(credential)])).get(idOf(credential));
    note(
      credential,
      await refreshCredential(credential, found, {}, run, Math.max(at, run.ports.clock.now())),
    );
  }
  return [...results.values()];
}

/** A moment within this tick at which a credential is worth another look. */
type Appointment = { readonly credential: Credential; readonly at: number };

/** Of those at the same moment the one that was made first: a token before its tickets. */
function takeEarliest(appointments: Appointment[]): Appointment | undefined {
  const earliest = appointments.toSorted((one, other) => one.at - other.at)[0];
  if (earliest) appointments.splice(appointments.indexOf(earliest), 1);
  return earliest;
}

function isWanted(request: RefreshRequest): (credential: Credential) => boolean {
  return ({ name }) => request.credential === undefined || request.credential === name;
}

/** Force and reports mean the access token unless they name another: forcing a ticket that is valid brings nothing new. */
function demandFor(credential: Credential, request: RefreshRequest): RenewalRequest {
  if (credential.name !== (request.credential ?? 'access-token')) return {};
  return {
    ...(request.force && { force: true }),
    ...(request.rejected !== undefined && { rejected: request.rejected }),
  };
}

function idOf({ app, name }: Credential): CredentialRecord['id'] {
  return credentialId(app.name, name);
}
