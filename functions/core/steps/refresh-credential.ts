import {
  accountOf,
  blankRecord,
  type Credential,
  type CredentialRecord,
  credentialId,
} from '../credential.ts';
import { SourceError } from '../errors.ts';
import {
  type Decision,
  decide,
  type RenewalPolicy,
  type RenewalRequest,
  successorDueWithinTick,
} from '../renewal.ts';
import { rotationNotice } from '../reporting/notifications.ts';
import { report, reportStatus } from '../reporting/results.ts';
import { renewalModeOf } from '../rules/lifetimes.ts';
import { leased } from '../rules/transitions.ts';
import { attemptFingerprint, prepareFetch } from './fetch.ts';
import { OwnTokenOf } from './own-token.ts';
import { probe, probeIsDue } from './probe.ts';
import { mayInvalidate, mirrorUnderLease, renewUnderLease } from './renew.ts';
import type { Run, Visit } from './run.ts';

/** One look at one credential: what the table said, and when. */
type Look = {
  readonly seen: CredentialRecord | undefined;
  readonly record: CredentialRecord;
  readonly now: number;
};

/** Brings one credential up to date, or says why not. Never throws: a store that is down is this run's result, not its end. */
export async function refreshCredential(
  credential: Credential,
  found: CredentialRecord | undefined,
  demand: RenewalRequest,
  run: Run,
  now: number = run.now,
): Promise<Visit> {
  let look = lookAt(credential, found, now);
  let wanted = demand;
  let racesLost = 0;
  try {
    for (;;) {
      const decision = await consider(credential, look, wanted, run);
      if (decision.reason === 'healthy' && credential.name === 'access-token' && probeDue(look, run)) {
        const probed = await run.limit(() => probe(credential, look.record, look.now, run.ports));
        if ('result' in probed) return probed;
        wanted = { ...wanted, rejectedFingerprint: probed.rejectedFingerprint };
        look = await lookAgain(credential, look.now, run);
        continue;
      }
      if (decision.action === 'skip' || decision.action === 'wait') {
        return standing(credential, look, decision);
      }
      const visit = await run.limit(() => act(credential, look, decision, wanted, run));
      if (visit !== 'lost-the-race') return visit;
      // Mostly the winner has done our work. One more try, for it may have done something else, such as mirroring.
      if (++racesLost > 1) return { result: report(credential, look.record, 'busy', 'lost-the-race') };
      look = await lookAgain(credential, look.now, run);
    }
  } catch (error) {
    return { result: report(credential, look.record, 'failed', ...unreachable(error)) };
  }
}

function standing(credential: Credential, { record, now }: Look, decision: Decision): Visit {
  const result = reportStatus(credential, record, decision, now);
  return decision.reason === 'awaiting-successor' && decision.untilMs !== undefined
    ? { result, requeueAt: decision.untilMs }
    : { result };
}

function unreachable(error: unknown): [reason: string, error: { code: string; message: string }] {
  if (error instanceof SourceError) return [error.code, error];
  const message = `The table did not answer (${error instanceof Error ? error.name : 'unknown error'}); the next tick tries again.`;
  return ['store-unreachable', { code: 'store-unreachable', message }];
}

function lookAt(credential: Credential, seen: CredentialRecord | undefined, now: number): Look {
  return { seen, record: seen ?? blankRecord(credentialId(credential.app.name, credential.name)), now };
}

async function lookAgain(credential: Credential, now: number, run: Run): Promise<Look> {
  const id = credentialId(credential.app.name, credential.name);
  return lookAt(credential, (await run.ports.store.read([id])).get(id), now);
}

async function consider(
  credential: Credential,
  { record, now }: Look,
  demand: RenewalRequest,
  run: Run,
): Promise<Decision> {
  const policy = policyOf(credential, record, now, run);
  // Only while backing off is it worth a call to ask whether ops have changed the secret meanwhile.
  if (!record.failure || record.nextAttemptAt <= now) return decide(record, now, policy, demand);
  // A secret that cannot be read now is no news of a change.
  const secret = await run.ports.secrets.reread(credential.app).catch(() => 'unreadable' as const);
  if (secret === 'unreadable') return decide(record, now, policy, demand);
  return decide(record, now, policy, { ...demand, inputs: attemptFingerprint(credential.app, secret) });
}

function policyOf({ app, name }: Credential, record: CredentialRecord, now: number, run: Run): RenewalPolicy {
  return {
    account: accountOf(app),
    renewal: renewalModeOf(app, name, record, now, run.refreshAfterMs),
    tickMs: run.timing.tickMs,
  };
}

function probeDue({ record, now }: Look, run: Run): boolean {
  return !isTooLate(run) && probeIsDue(record, now, { probeMs: run.probeMs, tickMs: run.timing.tickMs });
}

function isTooLate(run: Run): boolean {
  return run.ports.clock.now() > run.now + run.timing.lastStartMs;
}

/** Renews or mirrors, if the lease can be had. */
async function act(
  credential: Credential,
  { seen, record, now }: Look,
  { action, reason }: Decision,
  demand: RenewalRequest,
  run: Run,
): Promise<Visit | 'lost-the-race'> {
  const { ports, timing } = run;
  if (isTooLate(run)) return { result: report(credential, record, 'busy', 'no-time-left') };
  const ownToken = new OwnTokenOf(credential.app, now, run);
  const renews = action === 'renew';
  const fetchGrant = renews
    ? await prepareFetch(credential, record, { now, force: demand.force ?? false, ownToken, ports })
    : undefined;
  if (renews && !fetchGrant) {
    const error = {
      code: 'no-access-token',
      message: `A ticket is fetched with the access token, and app '${credential.app.name}' has none that lives.`,
    };
    return { result: report(credential, record, 'failed', 'no-access-token', error) };
  }
  const policy = policyOf(credential, record, now, run);
  const { renewal } = policy;
  const rotation = rotationNotice(credential, record, reason, now);
  const held = leased(record, {
    leaseId: ports.randomness.id(),
    now,
    // From the start of the run, for then the function's own end is known, however long it stayed for an end.
    leaseUntil: run.now + timing.leaseMs,
    asks: renews,
    mayInvalidate: renews && mayInvalidate({ renewal, reason }),
    forced: reason === 'forced',
    notifiesRotation: rotation?.tell ?? false,
  });
  if (!(await ports.store.swap(seen, held))) return 'lost-the-race';
  const work = { credential, before: record, held, now, reason, renewal, tickMs: timing.tickMs, ports };
  if (!fetchGrant) {
    const result = await mirrorUnderLease(work, 'mirrored');
    // A mirror that was behind, or still is, must not make us miss the end.
    const requeueAt = successorDueWithinTick(record, now, policy);
    return requeueAt === undefined ? { result } : { result, requeueAt };
  }
  const visit = await renewUnderLease(work, fetchGrant);
  // WeChat may return the very value that was reported: then nobody rotated it.
  if (rotation && visit.result.outcome !== 'unchanged') await ports.notices.send(rotation);
  return ownToken.healed ? { ...visit, healed: ownToken.healed } : visit;
}
