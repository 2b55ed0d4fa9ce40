import { errorCodes, SourceError } from '../errors.ts';
import type { TokenCount } from '../ports.ts';
import { confirmed, counted, probing, rejected, suspected } from '../rules/transitions.ts';
import type { StepResult, Work } from './step.ts';

/**
 * Pauses between the attempts of one probe (ms). WeChat may refuse a valid token in single calls, up to 45 % of them (users:
 * docs/wechat.md#is-a-token-still-valid): only a token that it refuses every time is invalid. Of valid ones, ten refusals in a
 * row then meet one in 3,000.
 */
const PAUSES_MS = [250, 500, 750, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000] as const;
/** Before another refresher may take over the check; what is suspected by then stays suspected. */
const PROBE_TIMEOUT_MS = 12_000;
/** WeChat may refuse a token right after its issue: it is not declared invalid so soon. */
const GRACE_MS = 30_000;

/**
 * Asks WeChat whether it accepts the token, and where it counts calls, whether another client fetched one. One of any number
 * of concurrent ticks asks; a crash meanwhile costs one tick, for only an answer changes what is known.
 */
export async function probe(work: Work): Promise<StepResult> {
  const { credential, stored, record, now, reason, run } = work;
  const { store, randomness, clock } = run.ports;
  const { current } = record;
  if (!current) throw new Error(`${record.id} has no value to probe`);
  const fresh = { credential, record, outcome: 'fresh' } as const;
  const startedAt = clock.now();
  let known = probing(record, { id: randomness.id(), now });
  if (!(await store.swap(stored, known))) return { ...fresh, reason: 'lost-the-race' };
  for (const pauseMs of [0, ...PAUSES_MS]) {
    if (pauseMs > 0) await clock.sleepUntil(clock.now() + pauseMs);
    if (clock.now() > startedAt + PROBE_TIMEOUT_MS) return { ...fresh, record: known, reason: 'suspected' };
    let answer: TokenCount;
    try {
      answer = await ask(work, current.value);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      // It says nothing about the value itself, but operators may learn of an outage or an IP list before it is due. A report
      // is not lost: the next tick checks again.
      if (reason === 'reported-rejected') await store.swap(known, suspected(known, clock.now()));
      return { ...fresh, record: known, reason: 'probe-failed', error };
    }
    if (answer.accepted) {
      const accepted = confirmed(known, current, now);
      const isCount = countsCalls(work) && !answer.countFailed;
      const next = isCount ? counted(accepted, answer.calls, now) : accepted;
      await store.swap(known, next);
      const unfounded = reason === 'reported-rejected';
      return {
        ...fresh,
        record: next,
        reason: unfounded ? 'report-unfounded' : 'probed',
        decideAgain: next.suspectedAt > 0,
      };
    }
    if (known.suspectedAt > 0) continue;
    const next = suspected(known, clock.now());
    // A forced refresh, say, took over: what is current now is another question.
    if (!(await store.swap(known, next))) return { ...fresh, reason: 'lost-the-race' };
    known = next;
  }
  if (clock.now() < current.issuedAt + GRACE_MS) {
    return { ...fresh, record: known, reason: 'suspected', requeueAt: current.issuedAt + GRACE_MS };
  }
  const next = rejected(known, clock.now());
  const written = await store.swap(known, next);
  const error = {
    code: errorCodes.rejectedToken,
    message: `WeChat does not accept the access token of app '${credential.app.name}' any more; it is renewed.`,
  };
  return { ...fresh, record: written ? next : known, reason: 'rejected-by-wechat', error, decideAgain: true };
}

async function ask(work: Work, accessToken: string): Promise<TokenCount> {
  const { app } = work.credential;
  const { source } = work.run.ports;
  if (app.kind !== 'wecom' && countsCalls(work)) return source.countCalls(app, accessToken);
  const accepted = await source.accepts(app, accessToken);
  return accepted ? { accepted, calls: undefined } : { accepted };
}

/** Other clients' calls matter to a token that each of them invalidates. */
function countsCalls({ record, now, policy }: Work): boolean {
  return policy.mode.kind === 'rotating' && now >= record.countUnavailableUntil;
}
