import { setImmediate as idle } from 'node:timers/promises';
import type { Clock } from '../../functions/core/ports.ts';

type Sleeper = { readonly untilMs: number; readonly wake: () => void };

/** A clock that jumps to the next instant that is waited for, once no other work is pending. */
export class SimulatedTime implements Clock {
  #now: number;
  readonly #sleepers: Sleeper[] = [];

  constructor(now: number) {
    this.#now = now;
  }

  now = (): number => this.#now;

  sleepUntil = (untilMs: number): Promise<void> =>
    new Promise((wake) => {
      this.#sleepers.push({ untilMs, wake });
    });

  /** Does nothing when that instant has passed. */
  passTo(instantMs: number): void {
    this.#now = Math.max(this.#now, instantMs);
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
      this.#sleepers.sort((one, other) => one.untilMs - other.untilMs);
      const next = this.#sleepers.shift();
      if (!next) continue;
      this.passTo(next.untilMs);
      next.wake();
    }
  }
}
