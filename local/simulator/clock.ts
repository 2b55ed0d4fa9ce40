/** The simulator's time. Every instant in the simulator is epoch milliseconds of this clock. */
export type Clock = {
  now(): number;
  /** Moves the clock forward by `ms`. */
  advance(ms: number): void;
};

/** Real time, which `advance` can only skip ahead. */
export class RealClock implements Clock {
  #skippedMs = 0;

  now(): number {
    return Date.now() + this.#skippedMs;
  }

  advance(ms: number): void {
    this.#skippedMs += ms;
  }
}

/** Stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number;

  /** @param startMs epoch milliseconds; by default 2026-01-01 08:00 in Beijing */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }

  /** @param ms epoch milliseconds; may lie in the past */
  set(ms: number): void {
    this.#now = ms;
  }
}
