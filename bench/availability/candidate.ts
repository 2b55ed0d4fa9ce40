import type { Operator } from '../../local/simulator/operator.ts';
import type { ManualClock } from '../../local/simulator/simulator.ts';
import type { FaultKind } from './faults.ts';

/** App servers of each candidate. */
export const SERVERS = 4;

/** How a call of an app server ended: with a token that WeChat accepts, with an invalid one, or without any token. */
export type CallResult = 'ok' | 'invalid' | 'none';

/** A way to give four app servers a token, with a WeChat of its own. */
export type Candidate = {
  readonly name: string;
  readonly clock: ManualClock;
  readonly wechat: Operator;
  /** Called each minute before `call`, for what runs on a schedule. */
  tick?(minute: Minute): Promise<void>;
  /** All four servers call WeChat at once. */
  call(): Promise<readonly CallResult[]>;
  /**
   * Applies a fault to the candidate's own parts; WeChat's faults are already set in `wechat`.
   *
   * @param active false when the fault ends
   */
  applyFault?(kind: FaultKind, active: boolean): void | Promise<void>;
  close?(): Promise<void>;
};

export type Minute = {
  /** Since the start of the month. */
  readonly number: number;
  /** How often this minute's tick is delivered; 0: not at all. */
  readonly deliveries: number;
};
