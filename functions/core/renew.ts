import { belongsTo, type Credential, type CredentialRecord } from './credential.ts';
import type { Renewal } from './due.ts';
import { SourceError } from './errors.ts';
import { type FetchGrant, inputsOf } from './grant.ts';
import type { Grant, Ports } from './ports.ts';
import type { Reason } from './renewal.ts';
import { type CredentialResult, report } from './result.ts';
import { failed, mirrored, released, renewed, unchanged } from './transitions.ts';

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
export async function renewUnderLease(work: Work, fetchGrant: FetchGrant): Promise<CredentialResult> {
  const { credential, held, now, reason, ports } = work;
  const { appId } = credential.app;
  let grant: Grant;
  try {
    grant = await fetchGrant();
  } catch (error) {
    return recordFailure(work, error);
  }

  const { current } = held;
  if (current && current.value === grant.value && belongsTo(current, appId)) {
    const next = unchanged(held, current, grant, work);
    await ports.store.swap(held, next);
    return report(credential, next, 'unchanged', reason);
  }
  const next = renewed(held, grant, { appId, issuedAt: now, renewedAt: ports.clock.now() });
  if (!(await ports.store.swap(held, next))) {
    return report(credential, held, 'failed', 'lease-lost', {
      code: 'lease-lost',
      message: 'Another refresher took over while WeChat answered; its value counts.',
    });
  }
  return mirrorUnderLease({ ...work, held: next }, 'renewed');
}

/** Shows the held record's value to readers of the mirror. A failure leaves the version behind for the next tick. */
export async function mirrorUnderLease(
  { credential, held, reason, ports }: Work,
  outcome: 'renewed' | 'mirrored',
): Promise<CredentialResult> {
  if (!held.current) throw new Error(`${held.id} has version ${held.version} but no value`);
  try {
    await ports.mirror.write(credential, held.current.value);
  } catch (error) {
    await ports.store.swap(held, released(held));
    return report(credential, held, outcome === 'renewed' ? 'renewed' : 'failed', reason, {
      code: 'mirror-unreachable',
      message: `The parameter was not written (${nameOf(error)}); the next tick repairs it.`,
    });
  }
  await ports.store.swap(held, mirrored(held));
  return report(credential, held, outcome, reason);
}

async function recordFailure(work: Work, thrown: unknown): Promise<CredentialResult> {
  const { credential, before, held, now, tickMs, ports, reason } = work;
  const error = thrown instanceof SourceError ? thrown : unexpected(thrown);
  const secret = await ports.secrets.read(credential.app).catch(() => undefined);
  const next = failed(held, error, {
    now,
    tickMs,
    random: ports.randomness.fraction(),
    inputs: inputsOf(credential.app, secret),
    wasUnconfirmed: before.rotationUnconfirmed,
  });
  await ports.store.swap(held, next);
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
  return error instanceof Error ? error.name : typeof error;
}
