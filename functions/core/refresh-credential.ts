import { blankRecord, type Credential, type CredentialRecord, credentialId } from './credential.ts';
import { renewalOf } from './due.ts';
import { SourceError } from './errors.ts';
import { inputsOf, prepareFetch } from './grant.ts';
import type { Ports } from './ports.ts';
import { mirrorUnderLease, putsInDoubt, renewUnderLease } from './renew.ts';
import { type Decision, type Demand, decide, type RenewalPolicy } from './renewal.ts';
import { type CredentialResult, report, reportStanding } from './result.ts';
import type { Timing } from './timing.ts';
import { leased } from './transitions.ts';

export type Run = {
  /** The one `now` of the run, epoch ms. */
  readonly now: number;
  readonly mayWait: boolean;
  readonly refreshAfterMs: number;
  readonly timing: Timing;
  readonly ports: Ports;
  /** Bounds the attempts under way at once; waiting for a moment takes no place. */
  readonly limit: <T>(task: () => Promise<T>) => Promise<T>;
};

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
  demand: Demand,
  run: Run,
): Promise<CredentialResult> {
  let look = lookAt(credential, found, run.now);
  let racesLost = 0;
  try {
    for (;;) {
      const decision = await consider(credential, look, demand, run);
      if (worthStaying(decision, run)) {
        await run.ports.clock.sleepUntil(decision.untilMs);
        look = await lookAgain(credential, Math.max(decision.untilMs, run.ports.clock.now()), run);
        continue;
      }
      if (decision.action === 'skip' || decision.action === 'wait') {
        return reportStanding(credential, look.record, decision, look.now);
      }
      const result = await run.limit(() => act(credential, look, decision, demand, run));
      if (result === 'lost-the-race') {
        // Mostly the winner has done our work. One more try, for it may have done something else, such as mirroring.
        if (++racesLost > 1) return report(credential, look.record, 'busy', 'lost-the-race');
      } else if (result.outcome !== 'unchanged' || !run.mayWait || (result.expiresAt ?? 0) > look.now) {
        return result;
      }
      // Or WeChat still returns the value whose time is over, its clock being a little behind: stay for the next one.
      look = await lookAgain(credential, look.now, run);
    }
  } catch (error) {
    return report(credential, look.record, 'failed', ...unreachable(error));
  }
}

/** A scheduled tick stays for the moment in which a sticky value ends, if it can still act on it then. */
function worthStaying(decision: Decision, run: Run): decision is Decision & { untilMs: number } {
  return (
    run.mayWait &&
    decision.reason === 'awaits-its-end' &&
    decision.untilMs !== undefined &&
    decision.untilMs <= run.now + run.timing.lastStartMs
  );
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
  demand: Demand,
  run: Run,
): Promise<Decision> {
  const policy = policyOf(credential, run);
  // Only while backing off is it worth a call to ask whether ops have changed the secret meanwhile.
  if (!record.failure || record.nextAttemptAt <= now) return decide(record, now, policy, demand);
  // A secret that cannot be read now is no news of a change.
  const secret = await run.ports.secrets.reread(credential.app).catch(() => 'unreadable' as const);
  if (secret === 'unreadable') return decide(record, now, policy, demand);
  return decide(record, now, policy, { ...demand, inputs: inputsOf(credential.app, secret) });
}

function policyOf({ app, name }: Credential, run: Run): RenewalPolicy {
  return {
    appId: app.appId,
    renewal: renewalOf(app, name, run.refreshAfterMs),
    tickMs: run.timing.tickMs,
  };
}

/** Renews or mirrors, if the lease can be had. */
async function act(
  credential: Credential,
  { seen, record, now }: Look,
  { action, reason }: Decision,
  demand: Demand,
  run: Run,
): Promise<CredentialResult | 'lost-the-race'> {
  const { ports, timing } = run;
  if (ports.clock.now() > run.now + timing.lastStartMs) {
    return report(credential, record, 'busy', 'no-time-left');
  }
  const renews = action === 'renew';
  const fetchGrant = renews ? await prepareFetch(credential, now, demand.force ?? false, ports) : undefined;
  if (renews && !fetchGrant) {
    return report(credential, record, 'failed', 'no-access-token', {
      code: 'no-access-token',
      message: `A ticket is fetched with the access token, and app '${credential.app.name}' has none that lives.`,
    });
  }
  const { renewal } = policyOf(credential, run);
  const held = leased(record, {
    leaseId: ports.randomness.id(),
    now,
    leaseMs: timing.leaseMs,
    putsInDoubt: renews && putsInDoubt({ credential, renewal, reason }),
    forced: reason === 'forced',
  });
  if (!(await ports.store.swap(seen, held))) return 'lost-the-race';
  const work = { credential, before: record, held, now, reason, renewal, tickMs: timing.tickMs, ports };
  return fetchGrant ? renewUnderLease(work, fetchGrant) : mirrorUnderLease(work, 'mirrored');
}
