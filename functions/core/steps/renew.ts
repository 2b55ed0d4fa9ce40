import { belongsTo, type CredentialRecord, type Failure, type IssuedValue } from '../credential.ts';
import { errorCodes, nameOf, SourceError } from '../errors.ts';
import type { Fetched } from '../ports.ts';
import { automaticBudget, type Reason, type RenewalPolicy, successorDueWithinTick } from '../renewal.ts';
import {
  budgetNotice,
  configurationErrorNotice,
  quotaNotice,
  rotationNotice,
} from '../reporting/notifications.ts';
import { countForToday } from '../rules/quota-day.ts';
import { countForced, failed, leased, mirrored, released, renewed, unchanged } from '../rules/transitions.ts';
import { attemptFingerprint, fetchCredential, readAccessToken } from './fetch.ts';
import type { StepResult, Work } from './step.ts';

/** Work whose lease is ours: `held` is the record as we have written it. */
type LeasedWork = Work & { readonly held: CredentialRecord };

/**
 * Takes the lease, then WeChat -> table -> mirror -> mark mirrored. Each step is durable before the next begins, so a crash
 * loses one at most.
 */
export async function renew(work: Work): Promise<StepResult> {
  const { credential, record, now, reason, policy, run } = work;
  const { ports } = run;
  const isTicket = credential.name !== 'access-token';
  const accessToken = isTicket ? await readAccessToken(credential.app, now, ports) : undefined;
  if (isTicket && !accessToken) return withoutAccessToken(work);
  const rotation = rotationNotice(credential, record, reason, now);
  const held = leased(record, {
    ...leaseOf(work),
    countsAsRequest: true,
    mayInvalidate: mayInvalidate(policy, reason),
    forced: reason === 'forced',
    notifiesRotation: rotation?.notify ?? false,
    automatic: isAutomatic(reason),
  });
  if (!(await ports.store.swap(work.stored, held))) return lostTheRace(work);
  let leasedWork = { ...work, held };
  const budget = isAutomatic(reason) ? budgetNotice(credential, held, automaticBudget(record)) : undefined;
  if (budget) await ports.notices.send(budget);
  let grant: Fetched;
  try {
    const context = { record, now, force: work.force, accessToken, ports };
    grant = await fetchCredential(credential, context);
    if (isRejectedStill(work, grant)) {
      leasedWork = { ...work, held: { ...held, ...countForced(held, now) } };
      grant = await fetchCredential(credential, { ...context, force: true });
    }
  } catch (error) {
    // The record says that operators have been notified, whatever came of the renewal.
    if (rotation) await ports.notices.send(rotation);
    return fail(leasedWork, error, accessToken);
  }
  const notice = quotaNotice(credential, held, grant);
  const step = await commit(leasedWork, grant);
  if (notice && step.outcome !== 'failed') await ports.notices.send(notice);
  // WeChat may return the very value that was reported: then no other client rotated it.
  if (rotation && step.outcome !== 'unchanged') await ports.notices.send(rotation);
  return step;
}

/**
 * WeChat handed out the very value that it refuses: only a forced refresh of the stable token brings another one. WeChat grants
 * so many a day: docs/wechat.md#stable-token.
 */
function isRejectedStill({ record, now, policy: { mode } }: Work, grant: Fetched): boolean {
  const forcedPerDay = mode.kind === 'sticky' ? mode.forcedPerDay : undefined;
  return (
    forcedPerDay !== undefined &&
    record.rejectedAt > 0 &&
    grant.value === record.current?.value &&
    countForToday(record.forcedAt, record.forcedToday, now) < forcedPerDay
  );
}

/** Takes the lease and writes the parameter of a version that is committed already. */
export async function repairMirror(work: Work): Promise<StepResult> {
  const { record, now, policy, run } = work;
  const held = leased(record, {
    ...leaseOf(work),
    countsAsRequest: false,
    mayInvalidate: false,
    forced: false,
    notifiesRotation: false,
    automatic: false,
  });
  if (!(await run.ports.store.swap(work.stored, held))) return lostTheRace(work);
  const step = await writeMirror({ ...work, held }, 'mirrored');
  // A mirror that was behind, or still is, must not make us miss the end.
  return { ...step, requeueAt: successorDueWithinTick(record, now, policy) };
}

function leaseOf({ now, run }: Work) {
  // From the start of the run, for then the function's own end is known, however long it waited for an end.
  return { leaseId: run.ports.randomness.id(), now, leaseUntil: run.now + run.timing.leaseMs };
}

function lostTheRace({ credential, record }: Work): StepResult {
  return { credential, record, outcome: 'busy', reason: 'lost-the-race' };
}

function withoutAccessToken({ credential, record }: Work): StepResult {
  const error = {
    code: errorCodes.noAccessToken,
    message: `A ticket is fetched with the access token, and app '${credential.app.name}' has no valid one.`,
  };
  const base = { credential, record, outcome: 'failed', reason: 'no-access-token' } as const;
  return { ...base, error, blockedBy: 'access-token' };
}

async function commit(work: LeasedWork, grant: Fetched): Promise<StepResult> {
  const { credential, held, now, reason, policy, run } = work;
  const { store, clock } = run.ports;
  const { current } = held;
  if (current && current.value === grant.value && belongsTo(current, policy.account)) {
    // Nothing was rotated: no operator was notified, and the budget is as it was.
    const { rotationNotifiedAt, automaticToday } = work.record;
    const next = {
      ...unchanged(held, current, grant, { now, tickMs: policy.tickMs, mode: policy.mode }),
      rotationNotifiedAt,
      automaticToday,
    };
    const written = await store.swap(held, next);
    const behind = written && next.leaseUntil > 0;
    const step: StepResult = behind
      ? await writeMirror({ ...work, held: next }, 'unchanged')
      : { credential, record: next, outcome: 'unchanged', reason };
    // WeChat's clock is a little behind: it still returns the value whose time is over.
    return current.expiresAt <= now ? { ...step, requeueAt: next.nextAttemptAt } : step;
  }
  const next = renewed(held, grant, {
    account: policy.account,
    issuedAt: now,
    renewedAt: clock.now(),
    wasRotated: reason === 'rotated-by-another-client',
  });
  if (await store.swap(held, next)) return writeMirror({ ...work, held: next }, 'renewed');
  // We held on past our lease (a suspended machine, a wrong clock), and our request may have been the last.
  if (mayInvalidate(policy, reason)) {
    await flagForSuccessor(work, (latest) => ({ ...latest, validityUnknown: true }));
  }
  const error = {
    code: errorCodes.leaseLost,
    message: 'Another refresher took over while WeChat answered; the next tick makes sure of its value.',
  };
  return { credential, record: held, outcome: 'failed', reason: 'lease-lost', error };
}

/** Shows the held record's value to readers of the mirror. A failure leaves the version behind for the next tick. */
async function writeMirror(
  work: LeasedWork,
  outcome: 'renewed' | 'unchanged' | 'mirrored',
): Promise<StepResult> {
  const { credential, held, reason, run } = work;
  const { mirror, store } = run.ports;
  if (!held.current) throw new Error(`${held.id} has version ${held.version} but no value`);
  try {
    await mirror.write(credential, held.current.value);
  } catch (thrown) {
    await store.swap(held, released(held));
    const error = {
      code: errorCodes.mirrorUnreachable,
      message: `The parameter was not written (${nameOf(thrown)}); the next tick repairs it.`,
    };
    return {
      credential,
      record: held,
      outcome: outcome === 'mirrored' ? 'failed' : outcome,
      reason,
      error,
    };
  }
  if (!(await store.swap(held, mirrored(held)))) {
    // Past our lease, we may have written over a newer value: let the next tick write it again.
    await flagForSuccessor(work, (latest) => ({ ...latest, mirroredVersion: 0 }));
  }
  return { credential, record: held, outcome, reason };
}

/** Whether the attempt may invalidate the current value. */
function mayInvalidate({ mode }: RenewalPolicy, reason: Reason): boolean {
  return mode.kind === 'rotating' || (reason === 'forced' && mode.forcedPerDay !== undefined);
}

/** For another cause than time, and not by an operator's will. */
function isAutomatic(reason: Reason): boolean {
  return (
    reason === 'rejected-by-wechat' ||
    reason === 'rotated-by-another-client' ||
    reason === 'tickets-refused' ||
    reason === 'reported-rejected'
  );
}

/** Marks the record of the refresher that took our lease over. Tried twice: it may be writing at this moment. */
async function flagForSuccessor(
  { held, run: { ports } }: LeasedWork,
  amend: (latest: CredentialRecord) => CredentialRecord,
): Promise<void> {
  for (let tries = 0; tries < 2; tries++) {
    const latest = (await ports.store.read([held.id])).get(held.id);
    if (!latest || (await ports.store.swap(latest, amend(latest)))) return;
  }
}

async function fail(
  work: LeasedWork,
  thrown: unknown,
  accessToken: IssuedValue | undefined,
): Promise<StepResult> {
  const { credential, record: before, held, reason, policy, run } = work;
  const { secrets, store, clock, randomness, notices } = run.ports;
  const error = thrown instanceof SourceError ? hardened(thrown, before.failure) : unexpected(thrown);
  const secret = accessToken ? undefined : await secrets.read(credential.app).catch(() => undefined);
  const endedAt = clock.now();
  const notice = configurationErrorNotice(credential, held, error, endedAt);
  const next = failed(held, error, {
    endedAt,
    tickMs: policy.tickMs,
    random: randomness.fraction(),
    attemptFingerprint: attemptFingerprint(credential, accessToken?.fingerprint ?? secret?.revision),
    // A refusal takes back what this attempt made unknown, but not what was unknown before.
    validityUnknown: before.validityUnknown || (mayInvalidate(policy, reason) && error.mayHaveRotated),
    notifiedErrors: notice?.notifiedErrors,
    rotatesAutomatically: isAutomatic(reason),
  });
  if ((await store.swap(held, next)) && notice) await notices.send(notice.notice);
  return {
    credential,
    record: next,
    outcome: 'failed',
    reason,
    error,
    nextAttemptAt: next.nextAttemptAt,
    suspectedToken: error.rejectedCredential === 'access-token' ? accessToken?.fingerprint : undefined,
    needsNewToken: error.needsNewToken,
  };
}

/** So often in a row, what no table knows is no passing trouble any more. */
const UNKNOWN_CODE_LIMIT = 5;

/** An unknown code becomes a configuration error when it lasts: WeChat's own words say what to do, if anything does. */
function hardened(error: SourceError, before: Failure | undefined): SourceError {
  const inARow = before?.code === error.code ? before.count + 1 : 1;
  if (!error.isUnknownCode || inARow < UNKNOWN_CODE_LIMIT) return error;
  return new SourceError(
    `${error.message} This came ${inARow} times in a row: look it up in WeChat's documentation.`,
    { ...error, kind: 'configuration' },
  );
}

function unexpected(cause: unknown): SourceError {
  return new SourceError(`Unexpected ${nameOf(cause)}; the next tick tries again.`, {
    code: errorCodes.unexpected,
    kind: 'transient',
    mayHaveRotated: true,
    cause,
  });
}
