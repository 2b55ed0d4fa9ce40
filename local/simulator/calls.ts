import type { Fault } from './faults.ts';

/** One request to one of WeChat's routes. Never holds a secret or a token. */
export type Call = {
  readonly route: string;
  readonly method: string;
  /** The `Host` header. */
  readonly host: string;
  /** The account it was for, as far as the request tells: by AppID or by a token, dead or alive. */
  readonly appId?: string;
  /** The same for a WeCom call: by CorpID or by a token. */
  readonly corpId?: string;
  /** Epoch milliseconds of the simulator's clock. */
  readonly at: number;
  /** `ok` or `refused` by WeChat, or the fault that struck it. A delayed call has WeChat's own outcome. */
  readonly outcome: 'ok' | 'refused' | Exclude<Fault['kind'], 'delay'>;
  /** Why it was refused. */
  readonly errcode?: number;
};

/** How many calls each route got. */
export function countByRoute(calls: readonly Call[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { route } of calls) counts[route] = (counts[route] ?? 0) + 1;
  return counts;
}
