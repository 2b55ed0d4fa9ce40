import { setImmediate as idle } from 'node:timers/promises';
import type { Clock } from '../../functions/core/ports.ts';

type Sleeper = { readonly until: number; readonly wake: () => void };

/** A clock that jumps to the next moment somebody waits for, once nobody has anything else to do. */
export class SimulatedTime implements Clock {
  #now: number;
  readonly #sleepers: Sleeper[] = [];

  constructor(now: number) {
    this.#now = now;
  }

  now = (): number => this.#now;

  sleepUntil = (until: number): Promise<void> =>
    new Promise((wake) => {
      this.#sleepers.push({ until, wake });
    });

  /** Never backwards. */
  passTo(instant: number): void {
    this.#now = Math.max(this.#now, instant);
  }

  /** Lets time pass until the work is done. */
  async during<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const ended = work.finally(() => {
      done = true;
    });
    for (;;) {
      await idle();
      if (done) return ended;
      this.#sleepers.sort((one, other) => one.until - other.until);
      const next = this.#sleepers.shift();
      if (!next) continue;
      this.passTo(next.until);
      next.wake();
    }
  }
}
