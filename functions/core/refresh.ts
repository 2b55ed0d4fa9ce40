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
import { refreshCredential } from './refresh-credential.ts';
import type { Demand } from './renewal.ts';
import type { CredentialResult } from './result.ts';
import type { Timing } from './timing.ts';

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
  schedule: { refreshAfterMs: number; timing: Timing },
  ports: Ports,
): Promise<CredentialResult[]> {
  const now = ports.clock.now();
  const wanted = apps.map((app) => credentialsOf(app).filter(isWanted(request)));
  const records = await ports.store.read(wanted.flat().map(idOf));
  const run = {
    ...schedule,
    now,
    mayWait: request.mayWait ?? false,
    ports,
    limit: pLimit(PARALLEL_ATTEMPTS),
  };

  const perApp = wanted.map(async (credentials) => {
    const results: CredentialResult[] = [];
    // In order: a ticket is fetched with the token that this very run may have renewed.
    for (const credential of credentials) {
      const demand = demandFor(credential, request);
      results.push(await refreshCredential(credential, records.get(idOf(credential)), demand, run));
    }
    return results;
  });
  return (await Promise.all(perApp)).flat();
}

function isWanted(request: RefreshRequest): (credential: Credential) => boolean {
  return ({ name }) => request.credential === undefined || request.credential === name;
}

/** Force and reports mean the access token unless they name another: forcing a ticket that is valid brings nothing new. */
function demandFor(credential: Credential, request: RefreshRequest): Demand {
  if (credential.name !== (request.credential ?? 'access-token')) return {};
  return {
    ...(request.force && { force: true }),
    ...(request.rejected !== undefined && { rejected: request.rejected }),
  };
}

function idOf({ app, name }: Credential): CredentialRecord['id'] {
  return credentialId(app.name, name);
}
