import type { Operator } from '../../local/simulator/operator.ts';
import type { ManualClock } from '../../local/simulator/simulator.ts';
import type { FaultKind } from './faults.ts';

export const SERVERS = 4;

/** How a call of an app server ended: with a token that WeChat accepts, with one that is dead, or without any. */
export type CallEnd = 'ok' | 'dead' | 'none';

/** A way to have a token on four app servers, with a WeChat of its own. */
export type Candidate = {
  readonly name: string;
  readonly clock: ManualClock;
  readonly wechat: Operator;
  /** Called each minute before the servers are: time for what runs on a schedule. */
  tick?(minute: Minute): Promise<void>;
  /** All four servers call WeChat at once. */
  call(): Promise<readonly CallEnd[]>;
  /** What WeChat itself does is done to `wechat` already. */
  applyFault?(kind: FaultKind, standing: boolean): void | Promise<void>;
  close?(): Promise<void>;
};

export type Minute = {
  /** Since the beginning of the month. */
  readonly number: number;
  /** How often each tick is delivered now; 0: not at all. */
  readonly deliveries: number;
};
