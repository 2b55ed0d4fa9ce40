import type { Simulator } from '../../local/simulator/simulator.ts';
import type { Peer } from '../peers/start-peer.ts';

/** App servers, the WeChat that they call, and whoever looks after their token; all on one clock. */
export type Setup = {
  readonly simulator: Simulator;
  readonly peers: readonly Peer[];
  passMs(durationMs: number): Promise<void>;
  /** Gives everybody a token. */
  begin(): Promise<void>;
  /** What renews the token, if that is not done by the app servers themselves. */
  trigger(): Promise<void>;
  close(): Promise<void>;
};

export type Crowd = { readonly processes: number; readonly needs: number };

/** So many of each process, when all want the same done at once. */
export function shares({ processes, needs }: Crowd): number[] {
  return Array.from({ length: processes }, (_, index) => Math.ceil((needs - index) / processes));
}
