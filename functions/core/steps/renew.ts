import { accountOf, belongsTo, type Credential, type CredentialRecord } from '../credential.ts';
import { SourceError } from '../errors.ts';
import type { Ports } from '../ports.ts';
import type { Reason } from '../renewal.ts';
import { configurationErrorNotice, quotaNotice } from '../reporting/notifications.ts';
import { type CredentialResult, report } from '../reporting/results.ts';
import type { Renewal } from '../rules/lifetimes.ts';
import { failed, mirrored, released, renewed, unchanged } from '../rules/transitions.ts';
import { attemptFingerprint, type Fetched, type FetchGrant } from './fetch.ts';
import type { Visit } from './run.ts';

/** One credential whose lease is ours. */
export type Work = {
  readonly credential: Credential;
  /** The record as it was before we took the lease. */
  readonly before: CredentialRecord;
  readonly held: CredentialRecord;
  /** Epoch ms. */
  readonly now: number;
  readonly reason: Reason;
  readonly renewal: Renewal;
  readonly tickMs: number;
  readonly ports: Ports;
};

/** WeChat -> table -> mirror -> mark mirrored. Each step is durable before the next begins, so a crash loses one at most. */
export async function renewUnderLease(work: Work, fetchGrant: FetchGrant): Promise<Visit> {
  const { credential, held, now, reason, ports } = work;
  const account = accountOf(credential.app);
  let grant: Fetched;
  try {
    grant = await fetchGrant();
  } catch (error) {
    return { result: await recordFailure(work, error) };
  }

  const notice = quotaNotice(credential, held, grant);
  const { current } = held;
  if (current && current.value === grant.value && belongsTo(current, account)) {
    const next = unchanged(held, current, grant, work);
    const written = await ports.store.swap(held, next);
    if (written && notice) await ports.notices.send(notice);
    const behind = written && next.leaseUntil > 0;
    const result = behind
      ? await mirrorUnderLease({ ...work, held: next }, 'unchanged')
      : report(credential, next, 'unchanged', reason);
    // WeChat's clock is a little behind: it still returns the value whose time is over.
    return current.expiresAt <= now ? { result, requeueAt: next.nextAttemptAt } : { result };
  }
  const next = renewed(held, grant, {
    account,
    issuedAt: now,
    renewedAt: ports.clock.now(),
    rejectedFingerprint: wasRejected(reason),
  });
  if (!(await ports.store.swap(held, next))) {
    // We held on past our lease (a suspended machine, a clock that is wrong), and asked last, perhaps.
    if (mayInvalidate(work)) await flagForSuccessor(work, (latest) => ({ ...latest, validityUnknown: true }));
    const error = {
      code: 'lease-lost',
      message: 'Another refresher took over while WeChat answered; the next tick makes sure of its value.',
    };
    return { result: report(credential, held, 'failed', 'lease-lost', error) };
  }
  const result = await mirrorUnderLease({ ...work, held: next }, 'renewed');
  if (notice) await ports.notices.send(notice);
  return { result };
}

/** Shows the held record's value to readers of the mirror. A failure leaves the version behind for the next tick. */
export async function mirrorUnderLease(
  work: Work,
  outcome: 'renewed' | 'unchanged' | 'mirrored',
): Promise<CredentialResult> {
  const { credential, held, reason, ports } = work;
  if (!held.current) throw new Error(`${held.id} has version ${held.version} but no value`);
  try {
    await ports.mirror.write(credential, held.current.value);
  } catch (error) {
    await ports.store.swap(held, released(held));
    return report(credential, held, outcome === 'mirrored' ? 'failed' : outcome, reason, {
      code: 'mirror-unreachable',
      message: `The parameter was not written (${nameOf(error)}); the next tick repairs it.`,
    });
  }
  if (!(await ports.store.swap(held, mirrored(held)))) {
    // Past our lease, we may have written over a newer value: let the next tick write it again.
    await flagForSuccessor(work, (latest) => ({ ...latest, mirroredVersion: 0 }));
  }
  return report(credential, held, outcome, reason);
}

/** Whether the attempt may kill the current value, or was made because that is said to be dead. */
export function mayInvalidate({ renewal, reason }: Pick<Work, 'renewal' | 'reason'>): boolean {
  const kills = renewal.kind === 'rotating' || (reason === 'forced' && renewal.forcedPerDay !== undefined);
  return kills || wasRejected(reason);
}

function wasRejected(reason: Reason): boolean {
  return reason === 'rejected-by-wechat' || reason === 'reported-rejected';
}

/** Leaves word in the record of whoever took our lease over. Tried twice: they may be writing it themselves. */
async function flagForSuccessor(
  { held, ports }: Work,
  amend: (latest: CredentialRecord) => CredentialRecord,
): Promise<void> {
  for (let tries = 0; tries < 2; tries++) {
    const latest = (await ports.store.read([held.id])).get(held.id);
    if (!latest || (await ports.store.swap(latest, amend(latest)))) return;
  }
}

async function recordFailure(work: Work, thrown: unknown): Promise<CredentialResult> {
  const { credential, before, held, tickMs, ports, reason } = work;
  const error = thrown instanceof SourceError ? thrown : unexpected(thrown);
  const secret = await ports.secrets.read(credential.app).catch(() => undefined);
  const endedAt = ports.clock.now();
  const notice = configurationErrorNotice(credential, held, error, endedAt);
  const next = failed(held, error, {
    endedAt,
    tickMs,
    random: ports.randomness.fraction(),
    inputs: attemptFingerprint(credential.app, secret),
    // A refusal undoes the doubt that this attempt brought, but not a report, nor what was in doubt before.
    validityUnknown:
      before.validityUnknown || (mayInvalidate(work) && (error.mayHaveRotated || wasRejected(reason))),
    notifiesError: notice !== undefined,
    asked: error.code !== 'missing-secret' && error.code !== 'secret-unreadable',
  });
  if ((await ports.store.swap(held, next)) && notice) await ports.notices.send(notice);
  return report(credential, next, 'failed', reason, error);
}

/** Only the error's name: a foreign message may quote what it was given. */
function unexpected(cause: unknown): SourceError {
  return new SourceError(`Unexpected ${nameOf(cause)}; the next tick tries again.`, {
    code: 'unexpected',
    kind: 'transient',
    mayHaveRotated: true,
    cause,
  });
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
