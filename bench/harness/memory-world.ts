import { setImmediate as idle } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { fromItem, toItem } from '../../functions/aws/record-item.ts';
import { type App, type CredentialRecord, credentialId } from '../../functions/core/credential.ts';
import type { Clock, Notice, Ports, RecordStore, Secret } from '../../functions/core/ports.ts';
import { ManualClock } from '../../local/simulator/simulator.ts';
import { type InProcessWechat, inProcessWechat, secretOf } from './in-process-wechat.ts';

/** In-memory ports on one clock: a table with conditional writes, a mirror, secrets, and the simulator's WeChat. */
export class MemoryWorld {
  readonly clock: ManualClock;
  readonly wechat: InProcessWechat;
  readonly records = new Map<string, CredentialRecord>();
  /** The mirrored values, by the credential's id. */
  readonly parameters = new Map<string, string>();
  /** The AppSecrets that operators have written, by the app's name. */
  readonly secrets: Map<string, Secret>;
  readonly notices: Notice[] = [];
  #ids = 0;

  /** @param now epoch ms */
  constructor(apps: readonly App[], now: number) {
    this.clock = new ManualClock(now);
    this.wechat = inProcessWechat(apps, this.clock);
    this.secrets = new Map(apps.map((app) => [app.name, { value: secretOf(app), revision: '1' }]));
  }

  /** The ports of one refresher; all refreshers share this world. */
  ports(): Ports {
    const secret = async ({ name }: App) => this.secrets.get(name);
    return {
      clock: {
        now: () => this.clock.now(),
        sleepUntil: async (instantMs) => {
          // Lets concurrent runs do what they can do before then.
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

/** A table in memory with the conditional writes of the real one: test/integration/record-store.test.ts compares the two. */
export function memoryStore(records: Map<string, CredentialRecord>): RecordStore {
  return {
    async read(ids) {
      const found = new Map<string, CredentialRecord>();
      for (const id of ids) {
        const record = records.get(id);
        if (record) found.set(id, record);
      }
      return found;
    },
    async swap(seen, next) {
      const stored = records.get(next.id);
      const asSeen = stored?.leaseId === seen?.leaseId && stored?.version === seen?.version;
      if (!asSeen) return isDeepStrictEqual(stored, next);
      records.set(next.id, fromItem(toItem(next)));
      return true;
    },
  };
}

/** A clock on which `sleepUntil` returns at once, without moving it. */
export function nonWaitingClock(now: () => number): Clock {
  return { now, sleepUntil: async () => undefined };
}
