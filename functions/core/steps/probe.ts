import { SourceError } from '../errors.ts';
import { confirmed, probing } from '../rules/transitions.ts';
import type { StepResult, Work } from './step.ts';

/**
 * Asks WeChat whether it still accepts the value. One of any number of concurrent ticks asks; a crash meanwhile costs
 * one tick, for only an answer counts as a confirmation.
 */
export async function probe({ credential, stored, record, now, run }: Work): Promise<StepResult> {
  const { store, source, randomness } = run.ports;
  const { current } = record;
  if (!current) throw new Error(`${record.id} has no value to probe`);
  const fresh = { credential, record, outcome: 'fresh' } as const;
  const claimed = probing(record, { id: randomness.id(), now });
  if (!(await store.swap(stored, claimed))) return { ...fresh, reason: 'lost-the-race' };
  try {
    if (!(await source.accepts(credential.app, current.value))) {
      return { ...fresh, reason: 'probed', rejectedToken: current.fingerprint };
    }
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    // It says nothing about the value itself, but operators may learn of an outage or an IP list before it is due.
    return { ...fresh, reason: 'probe-failed', error };
  }
  await store.swap(claimed, confirmed(claimed, current, now));
  return { ...fresh, reason: 'probed' };
}
