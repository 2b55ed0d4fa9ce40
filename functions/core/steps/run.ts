import type { App } from '../credential.ts';
import type { Ports } from '../ports.ts';
import type { CredentialResult } from '../reporting/results.ts';
import type { Timing } from '../rules/timing.ts';

/** When what happens, all in ms. */
export type Schedule = {
  readonly refreshAfterMs: number;
  /** How often a token is checked with WeChat; 0 = never. */
  readonly probeMs: number;
  readonly timing: Timing;
};

/** What one run of the use case shares among its credentials. */
export type Run = Schedule & {
  /** The one `now` of the run, epoch ms. */
  readonly now: number;
  readonly ports: Ports;
  /** Renews the app's access token, which WeChat has refused, unless it is another one by now. */
  healToken(app: App, refusedFingerprint: string, now: number): Promise<CredentialResult>;
  /** Bounds the attempts under way at once. */
  readonly limit: <T>(task: () => Promise<T>) => Promise<T>;
};

/** What came of it, and when it is worth coming back within this tick: a sticky value ends then. */
export type Visit = {
  readonly result: CredentialResult;
  readonly requeueAt?: number;
  /** What was done about the access token, when it was found dead on the way. */
  readonly healed?: CredentialResult;
};
