import * as z from 'zod';

const scope = {
  /** Paths it strikes, e.g. `/cgi-bin/token`; by default all. */
  routes: z.array(z.string()).min(1).optional(),
  /** Hosts it strikes, with or without the port, as the caller's `Host` header names them; by default all. */
  hosts: z.array(z.string()).min(1).optional(),
  /** How many requests it strikes; without it, every one until it is cleared. */
  count: z.int().positive().optional(),
};

/**
 * What may go wrong on the way to WeChat. All leave the request unprocessed but two: `drop-after` does the
 * work (a token is rotated) and loses the answer, `delay` does the work at once and answers `ms` of real time
 * later.
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

/** A fault that strikes before WeChat has done anything. */
export type EarlyFault = Exclude<Fault, { kind: 'drop-after' | 'delay' }>;

export function isEarly(fault: Fault | undefined): fault is EarlyFault {
  return fault !== undefined && fault.kind !== 'drop-after' && fault.kind !== 'delay';
}

/**
 * Faults waiting for requests. The first that fits a request strikes it, alone; a spent one makes room for
 * the next.
 */
export class FaultQueue {
  #waiting: { readonly fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#waiting.push({ fault, left: fault.count ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#waiting = [];
  }

  /** The fault that strikes this request, counted. */
  strike(route: string, host: string): Fault | undefined {
    const entry = this.#waiting.find(({ fault }) => fits(fault, route, host));
    if (!entry) return undefined;
    entry.left -= 1;
    this.#waiting = this.#waiting.filter(({ left }) => left > 0);
    return entry.fault;
  }
}

function fits({ routes, hosts }: Fault, route: string, host: string): boolean {
  const hostName = host.replace(/:\d+$/, '');
  return (routes?.includes(route) ?? true) && (!hosts || hosts.includes(host) || hosts.includes(hostName));
}
