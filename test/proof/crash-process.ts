import { SourceError } from '../../functions/core/errors.ts';
import type { Ports } from '../../functions/core/ports.ts';
import { type CallName, instrumented } from '../support/instrumented-ports.ts';

/** What can happen to a call that leaves the process. */
export type Accident = 'dies before' | 'dies after' | 'loses the answer of';
export const accidents: readonly Accident[] = ['dies before', 'dies after', 'loses the answer of'];

/** One run of a refresher that has an accident at its `at`-th call; with 0 it has none. */
export class CrashProcess {
  readonly calls: string[] = [];
  readonly ports: Ports;
  readonly #accident: Accident;
  readonly #at: number;
  readonly #died = Promise.withResolvers<undefined>();
  #dead = false;
  /** Of these WeChat has granted something that no swap has brought into the table yet. */
  readonly #grantedOnly = new Set<string>();
  #answersLost = 0;

  constructor(ports: Ports, accident: Accident, at: number) {
    this.#accident = accident;
    this.#at = at;
    this.ports = instrumented(ports, (name, about, call) => this.#around(name, about, call));
  }

  /** Until it is done, has failed, or is dead. */
  async run(work: (ports: Ports) => Promise<unknown>): Promise<void> {
    await Promise.race([work(this.ports).catch(() => undefined), this.#died.promise]);
  }

  /** Grants of WeChat that were in vain. */
  get lostGrants(): number {
    return this.#answersLost + this.#grantedOnly.size;
  }

  async #around<T>(name: CallName, about: string, call: () => Promise<T>): Promise<T> {
    const never = new Promise<never>(() => undefined);
    if (this.#dead) return never;
    this.calls.push(`${name} of ${about}`);
    if (this.calls.length !== this.#at) {
      const answer = await call();
      this.#note(name, about);
      // What was under way when the process died was carried out, but nobody is there to hear of it.
      return this.#dead ? never : answer;
    }
    if (this.#accident === 'dies before') return this.#die(never);
    await call();
    if (this.#accident === 'dies after') {
      this.#note(name, about);
      return this.#die(never);
    }
    if (name === 'source.fetch') this.#answersLost++;
    else this.#note(name, about);
    throw lost(name);
  }

  #note(name: CallName, about: string): void {
    if (name === 'source.fetch') this.#grantedOnly.add(about);
    if (name === 'store.swap') this.#grantedOnly.delete(about);
  }

  #die(never: Promise<never>): Promise<never> {
    this.#dead = true;
    this.#died.resolve(undefined);
    return never;
  }
}

/** As the adapter of that port puts it. */
function lost(name: CallName): Error {
  const [port] = name.split('.');
  if (port === 'source') {
    return new SourceError('no answer', { code: 'timeout', kind: 'transient', mayHaveRotated: true });
  }
  return port === 'secrets'
    ? new SourceError('no answer', { code: 'secret-unreadable', kind: 'transient' })
    : new Error('no answer');
}
