import * as z from 'zod';
import { readableForms, unreadableForms } from './mangled-answers.ts';

const scope = {
  /** Paths it applies to, e.g. `/cgi-bin/token`; by default all. */
  routes: z.array(z.string()).min(1).optional(),
  /** Hosts it applies to, with or without the port, as the caller's `Host` header names them; by default all. */
  hosts: z.array(z.string()).min(1).optional(),
  /** How many requests it applies to; without it, every one until the faults are cleared. */
  count: z.int().positive().optional(),
};
const status = z.int().min(200).max(599);

/** What may go wrong on the way to WeChat and back. Each says whether WeChat carries the call out all the same. */
export const faultSchema = z.discriminatedUnion('kind', [
  /** A page with this status from a gateway or firewall. Not carried out. */
  z.strictObject({ kind: z.literal('http-status'), status, ...scope }),
  /** Status 200 and nothing else. Not carried out. */
  z.strictObject({ kind: z.literal('empty-body'), ...scope }),
  /** A page with status 200. Not carried out. */
  z.strictObject({ kind: z.literal('not-json'), ...scope }),
  /** A refusal with any code, in the wording of the call's platform. Not carried out. */
  z.strictObject({ kind: z.literal('errcode'), errcode: z.int(), errmsg: z.string(), ...scope }),
  /** The connection is cut before the request arrives. Not carried out. */
  z.strictObject({ kind: z.literal('drop-before'), ...scope }),
  /** The connection is cut before the answer arrives. Carried out: a token is rotated. */
  z.strictObject({ kind: z.literal('drop-after'), ...scope }),
  /** The answer comes `ms` of real time later. Carried out, at once. */
  z.strictObject({ kind: z.literal('delay'), ms: z.int().nonnegative(), ...scope }),
  /** No connection. Not carried out. */
  z.strictObject({ kind: z.literal('outage'), ...scope }),
  /**
   * A valid token is refused with 40001 by this share of the calls that show one, chosen by a sequence of its own; the
   * others take no notice of it (docs/wechat.md#is-a-token-still-valid). `count` counts the refused ones. Not carried
   * out when refused.
   */
  z.strictObject({
    kind: z.literal('flapping'),
    share: z.number().min(0).max(1),
    /** Of the sequence; the same seed refuses the same calls. @default 1 */
    seed: z.int().optional(),
    ...scope,
  }),
  /** WeChat's own answer, refusals too, in another form, and under `status` if that is given. Carried out. */
  z.strictObject({
    kind: z.literal('mangled'),
    form: z.enum([...readableForms, ...unreadableForms]),
    status: status.optional(),
    ...scope,
  }),
  /** This answer instead of WeChat's. Carried out, unless `executed` is false. */
  z.strictObject({
    kind: z.literal('body'),
    body: z.union([z.string(), z.strictObject({ base64: z.base64() })]),
    /** @default 200 */
    status: status.optional(),
    /** @default WeChat's own */
    contentType: z.string().optional(),
    contentEncoding: z.string().optional(),
    executed: z.boolean().optional(),
    ...scope,
  }),
]);
export type Fault = z.infer<typeof faultSchema>;

/** Whether WeChat carries out a call to which the fault applies. */
export function isExecuted(fault: Fault): boolean {
  switch (fault.kind) {
    case 'drop-after':
    case 'delay':
    case 'mangled':
      return true;
    case 'body':
      return fault.executed ?? true;
    default:
      return false;
  }
}

/** What decides whether a fault applies to a request. */
type FaultTarget = {
  readonly route: string;
  readonly host: string;
  /** The request shows a token that is valid. */
  readonly hasValidToken: boolean;
};

/** Faults in the order they were added. The first that matches a request applies to it, and no other does. */
export class FaultQueue {
  #queued: { readonly fault: Fault; readonly random: () => number; left: number }[] = [];

  add(fault: Fault): void {
    const random = sequence(fault.kind === 'flapping' ? (fault.seed ?? 1) : 0);
    this.#queued.push({ fault, random, left: fault.count ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#queued = [];
  }

  /** The fault that applies to this request. It counts as used, and is removed after its last use. */
  take(target: FaultTarget): Fault | undefined {
    const entry = this.#queued.find(({ fault, random }) => {
      if (!matches(fault, target)) return false;
      return fault.kind !== 'flapping' || (target.hasValidToken && random() < fault.share);
    });
    if (!entry) return undefined;
    entry.left -= 1;
    this.#queued = this.#queued.filter(({ left }) => left > 0);
    return entry.fault;
  }
}

function matches({ routes, hosts }: Fault, { route, host }: FaultTarget): boolean {
  const hostName = host.replace(/:\d+$/, '');
  return (routes?.includes(route) ?? true) && (!hosts || hosts.includes(host) || hosts.includes(hostName));
}

/** Pseudo-random numbers in [0, 1), the same for the same seed: Mulberry32. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
