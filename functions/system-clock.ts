import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from './core/ports.ts';

export const systemClock: Clock = {
  now: Date.now,
  async sleepUntil(instantMs) {
    await sleep(Math.max(0, instantMs - Date.now()));
  },
};
