import type { Credential, CredentialRecord } from '../credential.ts';
import { SourceError } from '../errors.ts';
import type { Ports } from '../ports.ts';
import { discardImplausibleInstants } from '../renewal.ts';
import type { CredentialResult } from '../reporting/results.ts';
import { report } from '../reporting/results.ts';
import { confirmed, probing } from '../rules/transitions.ts';

/**
 * Whether it is time to ask WeChat if it still accepts the value that we serve: `probeMs` after it last let us know, and
 * only once a tick, however often the tick is delivered. Half a tick of slack, because ticks come a little early or late.
 */
export function probeIsDue(
  stored: CredentialRecord,
  now: number,
  { probeMs, tickMs }: { probeMs: number; tickMs: number },
): boolean {
  const { current, probedAt } = discardImplausibleInstants(stored, now);
  if (!current || probeMs === 0) return false;
  return now - current.confirmedAt >= probeMs - tickMs / 2 && now - probedAt >= tickMs / 2;
}

/**
 * Asks WeChat whether it still accepts the value. One of any number of concurrent ticks asks; a crash meanwhile costs
 * one tick, for only an answer counts as a confirmation.
 *
 * @returns what to report, or the fingerprint of the value that WeChat refuses
 */
export async function probe(
  credential: Credential,
  record: CredentialRecord,
  now: number,
  ports: Ports,
): Promise<{ result: CredentialResult } | { rejectedFingerprint: string }> {
  const { current } = record;
  if (!current) throw new Error(`${record.id} has no value to probe`);
  const claimed = probing(record, { id: ports.randomness.id(), now });
  if (!(await ports.store.swap(record, claimed))) return fresh('lost-the-race');
  try {
    if (!(await ports.source.accepts(credential.app, current.value)))
      return { rejectedFingerprint: current.fingerprint };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    // Of no account for the value itself, but ops may learn of an outage or an IP list before it is due.
    return fresh('probe-failed', error);
  }
  await ports.store.swap(claimed, confirmed(claimed, current, now));
  return fresh('probed');

  function fresh(reason: string, error?: SourceError) {
    return { result: report(credential, record, 'fresh', reason, error) };
  }
}
