import type { Clock } from '../../functions/core/ports.ts';

/** A clock that only tests move: whoever sleeps by it wakes up at once, and it is as late as before. */
export function standingClock(now: () => number): Clock {
  return { now, sleepUntil: async () => undefined };
}
