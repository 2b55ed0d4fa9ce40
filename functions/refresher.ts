import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseRefreshEvent } from './aws/refresh-event.ts';
import type { App } from './core/credential.ts';
import type { Clock, Mirror, Randomness, RecordStore, SecretStore } from './core/ports.ts';
import { refresh } from './core/refresh.ts';
import type { CredentialResult } from './core/result.ts';
import { timingOf } from './core/timing.ts';
import { wechatClient } from './wechat/client.ts';
import { wechatSource } from './wechat/sources.ts';

export type RefreshAnswer = { readonly results: readonly CredentialResult[] };

export type Refresher = {
  /** Carries out one event of DESIGN.md section 5. Throws `InvalidEventError`. */
  run(event: unknown): Promise<RefreshAnswer>;
  close(): Promise<void>;
};

/** What differs between Lambda, one machine and a test on a clock of its own. */
export type Surroundings = {
  readonly apps: readonly App[];
  readonly tickMs: number;
  readonly refreshAfterMs: number;
  /** WeChat's base URLs, the preferred one first. */
  readonly hosts: readonly string[];
  readonly store: RecordStore;
  readonly mirror: Mirror;
  readonly secrets: SecretStore;
  readonly clock: Clock;
};

/** Puts the core together with WeChat; the caller brings the stores. */
export function createRefresher(surroundings: Surroundings): Refresher {
  const { apps, store, mirror, secrets, clock, refreshAfterMs } = surroundings;
  const client = wechatClient(surroundings.hosts, {
    random: randomness.fraction,
    sleep: (ms) => clock.sleepUntil(clock.now() + ms),
  });
  const ports = { store, mirror, secrets, clock, randomness, source: wechatSource(client) };
  const schedule = { refreshAfterMs, timing: timingOf(surroundings.tickMs) };
  return {
    async run(event) {
      const { apps: named, request } = parseRefreshEvent(event, apps);
      return { results: await refresh(named, request, schedule, ports) };
    },
    close: () => client.close(),
  };
}

const randomness: Randomness = { fraction: Math.random, id: randomUUID };

export const systemClock: Clock = {
  now: Date.now,
  async sleepUntil(instantMs) {
    await sleep(Math.max(0, instantMs - Date.now()));
  },
};
