import { setImmediate as idle } from 'node:timers/promises';
import { type App, type CredentialRecord, credentialId } from '../../functions/core/credential.ts';
import type { Notice, Ports, Secret } from '../../functions/core/ports.ts';
import { ManualClock } from '../../local/simulator/simulator.ts';
import { type InProcessWechat, inProcessWechat, secretOf } from './in-process-wechat.ts';
import { memoryStore } from './memory-store.ts';

/** The outside in memory, on one clock: a table that compares and swaps, a mirror, secrets, and the simulator's WeChat. */
export class MemoryWorld {
  readonly clock: ManualClock;
  readonly wechat: InProcessWechat;
  readonly records = new Map<string, CredentialRecord>();
  /** The mirrored values, by the credential's id. */
  readonly parameters = new Map<string, string>();
  /** What ops have written, by the app's name. */
  readonly secrets: Map<string, Secret>;
  readonly notices: Notice[] = [];
  #ids = 0;

  /** @param now epoch ms */
  constructor(apps: readonly App[], now: number) {
    this.clock = new ManualClock(now);
    this.wechat = inProcessWechat(apps, this.clock);
    this.secrets = new Map(apps.map((app) => [app.name, { value: secretOf(app), revision: '1' }]));
  }

  /** Ports of one refresher; all have the same outside. */
  ports(): Ports {
    const secret = async ({ name }: App) => this.secrets.get(name);
    return {
      clock: {
        now: () => this.clock.now(),
        sleepUntil: async (instantMs) => {
          // Time passes when nobody has anything to do before then.
          await idle();
          this.clock.set(Math.max(this.clock.now(), instantMs));
        },
      },
      randomness: { fraction: () => 0.5, id: () => `id-${++this.#ids}` },
      store: memoryStore(this.records),
      mirror: {
        write: async ({ app, name }, value) => void this.parameters.set(credentialId(app.name, name), value),
      },
      secrets: { read: secret, reread: secret, whereToPut: () => 'Put it there.' },
      source: this.wechat.source,
      notices: { send: async (notice) => void this.notices.push(notice) },
    };
  }
}
