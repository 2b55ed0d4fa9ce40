import type { App, Credential } from '../credential.ts';
import { errorCodes, nameOf } from '../errors.ts';
import type { Run } from '../ports.ts';
import { type Decision, decide, policyOf, type RenewalRequest } from '../renewal.ts';
import { leaveAlone } from '../reporting/results.ts';
import { attemptFingerprint, readAccessToken } from './fetch.ts';
import { probe } from './probe.ts';
import { renew, repairMirror } from './renew.ts';
import { readSnapshot, type Snapshot, type StepResult, type Work } from './step.ts';

/**
 * Brings one credential up to date, or says why not. Never throws: a store that is down is this run's result, not its end.
 *
 * A token that WeChat rejects on the way comes first: the probed one by going round once more, that of a ticket by
 * calling this very function for the token, which checks it.
 */
export async function refreshCredential(
  snapshot: Snapshot,
  request: RenewalRequest,
  run: Run,
): Promise<StepResult> {
  const { credential } = snapshot;
  const { store, clock } = run.ports;
  let { now } = snapshot;
  let latest = snapshot;
  let wanted = request;
  let racesLost = 0;
  let decisions = 0;
  let recovered: StepResult | undefined;
  const withRecovered = (step: StepResult) => (recovered ? { ...step, recovered } : step);
  try {
    for (;;) {
      const step = await takeStep(latest, wanted, run);
      const { suspectedToken } = step;
      if (step.reason === 'lost-the-race' && step.outcome === 'busy') {
        // Mostly the winner has done our work. One more try, for it may have done something else, such as mirroring.
        if (++racesLost > 1) return withRecovered(step);
      } else if (suspectedToken !== undefined && !recovered) {
        // Once: when a new token has not helped, another one will not help either.
        const needsNewToken = step.needsNewToken === true && latest.record.failure?.code !== step.error?.code;
        recovered = await checkAccessToken(credential.app, suspectedToken, needsNewToken, run);
        now = clock.now();
        // Renewed, or found valid: in both cases the ticket is worth one more attempt.
        if (!(await readAccessToken(credential.app, now, run.ports))) return withRecovered(step);
        wanted = { accessTokenChecked: true };
      } else if (!step.decideAgain || ++decisions > 1) {
        return withRecovered(step);
      } else {
        // What was reported has been dealt with, and that took its time.
        wanted = {};
        now = clock.now();
      }
      latest = await readSnapshot(credential, now, store);
    }
  } catch (error) {
    return withRecovered(unreachable(latest, error));
  }
}

/** Another look at a credential within the same tick, at `now` (epoch ms). Never throws. */
export async function recheckCredential(last: StepResult, now: number, run: Run): Promise<StepResult> {
  try {
    return await refreshCredential(await readSnapshot(last.credential, now, run.ports.store), {}, run);
  } catch (error) {
    return unreachable(last, error);
  }
}

/** As long as another refresher's check of the token may take. */
const OTHERS_CHECK_MS = 10_000;

/** What came of the token that WeChat rejected; the check of another refresher is waited for. */
async function checkAccessToken(
  app: App,
  rejected: string,
  needsNewToken: boolean,
  run: Run,
): Promise<StepResult> {
  const { clock, store } = run.ports;
  const token: Credential = { app, name: 'access-token' };
  const check = async () =>
    refreshCredential(await readSnapshot(token, clock.now(), store), { rejected }, run);
  const checked = await check();
  if (checked.reason === 'report-unfounded' && needsNewToken) {
    const valid = await readSnapshot(token, clock.now(), store);
    return refreshCredential(valid, { ticketsRefused: rejected }, run);
  }
  if (checked.outcome !== 'busy') return checked;
  await clock.sleepUntil(clock.now() + OTHERS_CHECK_MS);
  return check();
}

async function takeStep(snapshot: Snapshot, request: RenewalRequest, run: Run): Promise<StepResult> {
  const { credential, record, now } = snapshot;
  const policy = policyOf(credential, record, now, run);
  const attempt = await changedAttempt(snapshot, run);
  const decision = decide(record, now, policy, { ...request, attemptFingerprint: attempt });
  const { action, reason } = decision;
  if (action === 'skip' || action === 'wait') return leaveAlone(snapshot, decision);
  const work = { ...snapshot, reason, policy, force: request.force ?? false, run };
  return run.limit(() => execute(work, action));
}

/** Only while backing off is it worth a call to ask whether the secret, or the ticket's token, is another one by now. */
async function changedAttempt(
  { credential, record, now }: Snapshot,
  { ports }: Run,
): Promise<string | undefined> {
  if (!record.failure || record.nextAttemptAt <= now) return undefined;
  if (credential.name !== 'access-token') {
    const token = await readAccessToken(credential.app, now, ports);
    return token && attemptFingerprint(credential, token.fingerprint);
  }
  try {
    return attemptFingerprint(credential, (await ports.secrets.reread(credential.app))?.revision);
  } catch {
    // A secret that cannot be read now is no news of a change.
    return undefined;
  }
}

async function execute(
  work: Work,
  action: Exclude<Decision['action'], 'skip' | 'wait'>,
): Promise<StepResult> {
  const { credential, record, run } = work;
  // An attempt that begins too late could not finish before the function is stopped.
  if (run.ports.clock.now() > run.now + run.timing.lastStartMs) {
    const outcome = action === 'probe' ? 'fresh' : 'busy';
    return { credential, record, outcome, reason: 'no-time-left' };
  }
  switch (action) {
    case 'renew':
      return renew(work);
    case 'mirror':
      return repairMirror(work);
    case 'probe':
      return probe(work);
  }
}

function unreachable(
  { credential, record }: Pick<Snapshot, 'credential' | 'record'>,
  thrown: unknown,
): StepResult {
  const message = `The table did not answer (${nameOf(thrown)}); the next tick tries again.`;
  const error = { code: errorCodes.storeUnreachable, message };
  return { credential, record, outcome: 'failed', reason: 'store-unreachable', error };
}
