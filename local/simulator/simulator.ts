import { type Clock, RealClock } from './clock.ts';
import type { AccountOptions } from './official-account.ts';
import { createOperator, type Operator } from './operator.ts';
import { RequestHandler } from './request-handler.ts';
import { createRoutes } from './routes.ts';
import { type SimulatorServer, serveSimulator } from './server.ts';
import { SimulatorState } from './state.ts';
import type { WecomAppOptions } from './wecom.ts';

export { ManualClock } from './clock.ts';

export type SimulatorOptions = {
  /** @default any free one */
  readonly port?: number;
  /** @default real time */
  readonly clock?: Clock;
  /** @default DEMO_ACCOUNT alone */
  readonly accounts?: readonly AccountOptions[];
  /** @default DEMO_WECOM_APP alone */
  readonly wecomApps?: readonly WecomAppOptions[];
  /** Lifetime of a token or ticket. @default 7200, as WeChat's own */
  readonly lifetimeSeconds?: number;
  /** How long a replaced token stays valid, and how early a stable token is replaced. @default 300, as WeChat's own */
  readonly overlapSeconds?: number;
  /** The address that WeChat sees, which is not the loopback address of the tests. @default 203.0.113.7 */
  readonly callerIp?: string;
  /** Further paths that need a valid token of either platform, for an app's own calls. @default none but template/send */
  readonly protectedPaths?: readonly string[];
  /**
   * The file in which accounts, WeCom apps and their tokens outlast a restart; what it holds takes precedence over
   * `accounts` and `wecomApps`. @default none: everything ends with the process
   */
  readonly statePath?: string;
};

export type Simulator = Operator & SimulatorServer;

export const DEMO_ACCOUNT = {
  appId: 'wxdemo0123456789ab',
  secret: 'demo-secret-0123456789abcdef0123',
} as const satisfies AccountOptions;

export const DEMO_WECOM_APP = {
  corpId: 'wwdemo0123456789ab',
  agentId: 1000002,
  secret: 'demo-corpsecret-0123456789abcdef0123456789a',
} as const satisfies WecomAppOptions;

/**
 * WeChat and WeCom as docs/wechat.md describes them, in this process and without a network.
 *
 * @throws Error when `statePath` holds something else than a simulator's state
 */
export function openSimulator(options: Omit<SimulatorOptions, 'port'> = {}): {
  handler: RequestHandler;
  operator: Operator;
} {
  const state = new SimulatorState({
    clock: options.clock ?? new RealClock(),
    callerIp: options.callerIp ?? '203.0.113.7',
    policy: {
      lifetimeMs: (options.lifetimeSeconds ?? 7_200) * 1000,
      overlapMs: (options.overlapSeconds ?? 300) * 1000,
    },
    accounts: options.accounts ?? [DEMO_ACCOUNT],
    wecomApps: options.wecomApps ?? [DEMO_WECOM_APP],
    statePath: options.statePath,
  });
  const handler = new RequestHandler(state, createRoutes(options.protectedPaths ?? []));
  return { handler, operator: createOperator(state, handler) };
}

/**
 * The same, served on 127.0.0.1.
 *
 * @throws Error with `code: 'EADDRINUSE'` when the port is taken, or when `statePath` holds something else
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { handler, operator } = openSimulator(options);
  return { ...operator, ...(await serveSimulator(handler, operator, options.port ?? 0)) };
}
