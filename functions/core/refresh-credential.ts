import {
  blankRecord,
  type Credential,
  type CredentialRecord,
  credentialId,
  liveValue,
} from './credential.ts';
import { renewalOf } from './due.ts';
import { SourceError } from './errors.ts';
import { inputsOf, prepareFetch } from './grant.ts';
import type { Ports } from './ports.ts';
import { mirrorUnderLease, renewUnderLease } from './renew.ts';
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
  const { timing } = run;
  let look = lookAt(credential, found, run.now);
  try {
    for (;;) {
      const decision = await consider(credential, look, demand, run);
      const untilMs = decision.untilMs ?? 0;
      const stay =
        decision.reason === 'awaits-its-end' && run.mayWait && untilMs <= run.now + timing.lastStartMs;
      if (stay) {
        await run.ports.clock.sleepUntil(untilMs);
        look = await lookAgain(credential, Math.max(untilMs, run.ports.clock.now()), run);
        continue;
      }
      if (decision.action === 'skip' || decision.action === 'wait') {
        return reportStanding(credential, look.record, decision, look.now);
      }
      const result = await run.limit(() => act(credential, look, decision, demand, run));
      const endedUnchanged = result.outcome === 'unchanged' && (result.expiresAt ?? 0) <= look.now;
      if (!endedUnchanged || !run.mayWait) return result;
      // WeChat still returns the value whose time is over: its clock is a little behind, so stay for the next one.
      look = await lookAgain(credential, look.now, run);
    }
  } catch (error) {
    return report(credential, look.record, 'failed', ...unreachable(error));
  }
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
  const secret = await run.ports.secrets.reread(credential.app);
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
): Promise<CredentialResult> {
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
    rotates: renews && renewal.kind === 'rotating',
    forced: reason === 'forced',
  });
  if (!(await ports.store.swap(seen, held))) return lostRace(credential, demand, run, now);
  const work = { credential, before: record, held, now, reason, renewal, tickMs: timing.tickMs, ports };
  return fetchGrant ? renewUnderLease(work, fetchGrant) : mirrorUnderLease(work, 'mirrored');
}

/** Somebody else was first. What they did, or are doing, is the answer; there is no second try in this run. */
async function lostRace(
  credential: Credential,
  demand: Demand,
  run: Run,
  now: number,
): Promise<CredentialResult> {
  const look = await lookAgain(credential, now, run);
  const decision = await consider(credential, look, demand, run);
  return decision.action === 'skip' || decision.action === 'wait'
    ? reportStanding(credential, look.record, decision, now)
    : report(
        credential,
        look.record,
        liveValue(look.record, credential.app, now) ? 'fresh' : 'busy',
        'lost-the-race',
      );
}
