import * as z from 'zod';

const scope = {
  /** Paths it applies to, e.g. `/cgi-bin/token`; by default all. */
  routes: z.array(z.string()).min(1).optional(),
  /** Hosts it applies to, with or without the port, as the caller's `Host` header names them; by default all. */
  hosts: z.array(z.string()).min(1).optional(),
  /** How many requests it applies to; without it, every one until the faults are cleared. */
  count: z.int().positive().optional(),
};

/**
 * What may go wrong on the way to WeChat and back. All but two leave the request unprocessed: `drop-after` does
 * the work (a token is rotated) and loses the answer, `delay` does the work at once and answers `ms` of real
 * time later.
 */
export const faultSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('http-status'), status: z.int().min(200).max(599), ...scope }),
  z.strictObject({ kind: z.literal('empty-body'), ...scope }),
  z.strictObject({ kind: z.literal('not-json'), ...scope }),
  z.strictObject({ kind: z.literal('errcode'), errcode: z.int(), errmsg: z.string(), ...scope }),
  z.strictObject({ kind: z.literal('drop-before'), ...scope }),
  z.strictObject({ kind: z.literal('drop-after'), ...scope }),
  z.strictObject({ kind: z.literal('delay'), ms: z.int().nonnegative(), ...scope }),
  z.strictObject({ kind: z.literal('outage'), ...scope }),
]);
export type Fault = z.infer<typeof faultSchema>;

/** A fault that leaves the request unprocessed. */
export type EarlyFault = Exclude<Fault, { kind: 'drop-after' | 'delay' }>;

export function isEarly(fault: Fault | undefined): fault is EarlyFault {
  return fault !== undefined && fault.kind !== 'drop-after' && fault.kind !== 'delay';
}

/** Faults in the order they were added. The first that matches a request applies to it, and no other does. */
export class FaultQueue {
  #queued: { readonly fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#queued.push({ fault, left: fault.count ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#queued = [];
  }

  /** The fault that applies to this request. It counts as used, and is removed after its last use. */
  take(route: string, host: string): Fault | undefined {
    const entry = this.#queued.find(({ fault }) => matches(fault, route, host));
    if (!entry) return undefined;
    entry.left -= 1;
    this.#queued = this.#queued.filter(({ left }) => left > 0);
    return entry.fault;
  }
}

function matches({ routes, hosts }: Fault, route: string, host: string): boolean {
  const hostName = host.replace(/:\d+$/, '');
  return (routes?.includes(route) ?? true) && (!hosts || hosts.includes(host) || hosts.includes(hostName));
}
