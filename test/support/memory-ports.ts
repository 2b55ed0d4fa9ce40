import type { CredentialRecord } from '../../functions/core/credential.ts';
import type { Grant, Notice, Ports } from '../../functions/core/ports.ts';
import { memoryStore } from './memory-store.ts';

/** The outside in memory, on one clock: a store that compares and swaps, a mirror, and a WeChat with its overlaps. */

type Issue = { value: string; from: number; until: number };

/** WeChat's classic token and ticket (WECHAT.md), no more of it than the rules can feel. */
class MemoryWechat {
  readonly #tokens: Issue[] = [];
  readonly #tickets: Issue[] = [];
  calls = 0;

  rotate(now: number): Grant {
    this.calls += 1;
    const previous = this.#tokens.at(-1);
    // Only the immediately previous one is covered, for five minutes.
    for (const issue of this.#tokens) issue.until = Math.min(issue.until, now);
    if (previous) previous.until = Math.min(previous.from + 7_200_000, now + 300_000);
    return this.#issue(this.#tokens, 'token', now);
  }

  ticket(now: number): Grant {
    this.calls += 1;
    const current = this.#tickets.at(-1);
    if (current && now < current.until) return { value: current.value, expiresInSeconds: 7200 };
    return this.#issue(this.#tickets, 'ticket', now);
  }

  accepts(value: string | undefined, now: number): boolean {
    return [...this.#tokens, ...this.#tickets].some((issue) => issue.value === value && now < issue.until);
  }

  #issue(issues: Issue[], kind: string, now: number): Grant {
    const value = `${kind}-${issues.length + 1}`;
    issues.push({ value, from: now, until: now + 7_200_000 });
    return { value, expiresInSeconds: 7200 };
  }
}

/** Wraps one call that leaves the process. */
export type Around = <T>(name: string, call: () => T | Promise<T>) => Promise<T>;

export class MemoryWorld {
  now: number;
  readonly records = new Map<string, CredentialRecord>();
  readonly parameters = new Map<string, string>();
  readonly wechat = new MemoryWechat();
  readonly notices: Notice[] = [];
  #leases = 0;

  constructor(now: number) {
    this.now = now;
  }

  /** @param around wraps every call that leaves the process, in the order in which they are made */
  ports(around: Around = async (_name, call) => call()): Ports {
    const store = memoryStore(this.records);
    const clock = {
      now: () => this.now,
      sleepUntil: async (instantMs: number) => {
        this.now = Math.max(this.now, instantMs);
      },
    };
    return {
      clock,
      randomness: { fraction: () => 0.5, id: () => `lease-${++this.#leases}` },
      store: {
        read: (ids) => around('store.read', () => store.read(ids)),
        swap: (seen, next) => around('store.swap', () => store.swap(seen, next)),
      },
      mirror: {
        write: ({ app, name }, value) =>
          around('mirror.write', () => void this.parameters.set(`${app.name}/${name}`, value)),
      },
      secrets: {
        read: () => around('secrets.read', () => ({ value: 'secret', revision: '1' })),
        reread: () => around('secrets.reread', () => ({ value: 'secret', revision: '1' })),
        whereToPut: () => 'Put it there.',
      },
      source: {
        fetch: (order) =>
          around('source.fetch', () =>
            order.name === 'access-token' ? this.wechat.rotate(this.now) : this.wechat.ticket(this.now),
          ),
        accepts: (_app, accessToken) =>
          around('source.accepts', () => this.wechat.accepts(accessToken, this.now)),
      },
      notices: { send: (notice) => around('notices.send', () => void this.notices.push(notice)) },
    };
  }
}
