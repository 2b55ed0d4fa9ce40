import { type CallName, instrumented } from '../../bench/harness/instrumented-ports.ts';
import { SourceError } from '../../functions/core/errors.ts';
import type { Ports } from '../../functions/core/ports.ts';

/** What can happen at a call that leaves the process. */
export type CallFault = 'crash before' | 'crash after' | 'lost answer of';
export const callFaults: readonly CallFault[] = ['crash before', 'crash after', 'lost answer of'];

/** One run of a refresher with a fault at its `at`-th call; with `at` 0 it has none. */
export class CrashProcess {
  readonly calls: string[] = [];
  readonly ports: Ports;
  readonly #fault: CallFault;
  readonly #at: number;
  readonly #crash = Promise.withResolvers<undefined>();
  #crashed = false;
  /** Credentials that WeChat has granted, and that no write has stored in the table yet. */
  readonly #unstoredGrants = new Set<string>();
  #answersLost = 0;

  constructor(ports: Ports, fault: CallFault, at: number) {
    this.#fault = fault;
    this.#at = at;
    this.ports = instrumented(ports, (name, subject, call) => this.#wrap(name, subject, call));
  }

  /** Until the work is done, has failed, or the process has crashed. */
  async run(work: (ports: Ports) => Promise<unknown>): Promise<void> {
    await Promise.race([work(this.ports).catch(() => undefined), this.#crash.promise]);
  }

  /** Grants of WeChat that the fault prevented from being stored. */
  get lostGrants(): number {
    return this.#answersLost + this.#unstoredGrants.size;
  }

  async #wrap<T>(name: CallName, subject: string, call: () => Promise<T>): Promise<T> {
    const never = new Promise<never>(() => undefined);
    if (this.#crashed) return never;
    this.calls.push(`${name} of ${subject}`);
    if (this.calls.length !== this.#at) {
      const answer = await call();
      this.#record(name, subject);
      // A call that was under way at the crash is carried out, but its answer reaches no one.
      return this.#crashed ? never : answer;
    }
    if (this.#fault === 'crash before') return this.#crashNow(never);
    await call();
    if (this.#fault === 'crash after') {
      this.#record(name, subject);
      return this.#crashNow(never);
    }
    if (name === 'source.fetch') this.#answersLost++;
    else this.#record(name, subject);
    throw lostAnswerError(name);
  }

  #record(name: CallName, subject: string): void {
    if (name === 'source.fetch') this.#unstoredGrants.add(subject);
    if (name === 'store.swap') this.#unstoredGrants.delete(subject);
  }

  #crashNow(never: Promise<never>): Promise<never> {
    this.#crashed = true;
    this.#crash.resolve(undefined);
    return never;
  }
}

/** The error that the port's adapter would throw. */
function lostAnswerError(name: CallName): Error {
  const [port] = name.split('.');
  if (port === 'source') {
    return new SourceError('no answer', { code: 'timeout', kind: 'transient', mayHaveRotated: true });
  }
  return port === 'secrets'
    ? new SourceError('no answer', { code: 'secret-unreadable', kind: 'transient' })
    : new Error('no answer');
}
