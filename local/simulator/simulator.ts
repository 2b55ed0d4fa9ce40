import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { AccountOptions } from './account.ts';
import { type Clock, RealClock } from './clock.ts';
import type { WecomAppOptions } from './corp.ts';
import { Gateway } from './gateway.ts';
import { officialAccountRoutes } from './official-account-routes.ts';
import { type Operator, operate } from './operator.ts';
import { protectedRoutes } from './protected-routes.ts';
import { createWechatServer } from './server.ts';
import { wecomRoutes } from './wecom-routes.ts';
import { World } from './world.ts';

export { ManualClock } from './clock.ts';

export type SimulatorOptions = {
  /** By default any free one. */
  readonly port?: number;
  readonly clock?: Clock;
  /** By default `DEMO_ACCOUNT` alone. */
  readonly accounts?: readonly AccountOptions[];
  /** By default `DEMO_WECOM_APP` alone. */
  readonly wecomApps?: readonly WecomAppOptions[];
  /** Life of a token or ticket; WeChat's own is 7,200 s. */
  readonly lifetimeSeconds?: number;
  /**
   * How long a replaced token goes on working, and how early a stable token is replaced; WeChat's own is 300
   * s.
   */
  readonly overlapSeconds?: number;
  /** The address that WeChat sees, which is not the loopback address of the tests. */
  readonly callerIp?: string;
  /**
   * Where accounts, WeCom apps and their tokens survive a restart; what this file says of one wins over
   * `accounts` and `wecomApps`.
   */
  readonly statePath?: string;
};

export type Simulator = Operator & {
  /** Base URL without a slash at the end. */
  readonly url: string;
  /** Cuts every connection, also those that wait for a delayed answer. */
  close(): Promise<void>;
};

export const DEMO_ACCOUNT = {
  appId: 'wxdemo0123456789ab',
  secret: 'demo-secret-0123456789abcdef0123',
} as const satisfies AccountOptions;

export const DEMO_WECOM_APP = {
  corpId: 'wwdemo0123456789ab',
  agentId: 1000002,
  secret: 'demo-corpsecret-0123456789abcdef0123456789a',
} as const satisfies WecomAppOptions;

/** A WeChat that behaves as WECHAT.md says, and nobody but this process can call. */
export function openSimulator(options: Omit<SimulatorOptions, 'port'> = {}): {
  gateway: Gateway;
  operator: Operator;
} {
  const world = new World({
    clock: options.clock ?? new RealClock(),
    callerIp: options.callerIp ?? '203.0.113.7',
    terms: {
      lifetimeMs: (options.lifetimeSeconds ?? 7_200) * 1000,
      overlapMs: (options.overlapSeconds ?? 300) * 1000,
    },
    accounts: options.accounts ?? [DEMO_ACCOUNT],
    wecomApps: options.wecomApps ?? [DEMO_WECOM_APP],
    statePath: options.statePath,
  });
  const gateway = new Gateway(world, { ...officialAccountRoutes, ...wecomRoutes, ...protectedRoutes });
  return { gateway, operator: operate(world, gateway) };
}

/**
 * Starts one on 127.0.0.1.
 *
 * @throws Error with `code: 'EADDRINUSE'` when the port is taken, or when `statePath` holds something else
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { gateway, operator } = openSimulator(options);
  const closing = new AbortController();
  const server = createWechatServer(gateway, operator, closing.signal);
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');

  return {
    ...operator,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      closing.abort();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
