import { readerKeyLookup } from '../../functions/aws/reader-key-item.ts';
import { type ReaderKeys, readerKeys } from '../../functions/aws/reader-keys.ts';
import { batchGet, recordTable } from '../../functions/aws/record-table.ts';
import { appSecrets } from '../../functions/aws/secrets.ts';
import { parameterMirror } from '../../functions/aws/ssm-parameters.ts';
import type {
  App,
  CredentialName,
  CredentialRecord,
  WechatApp,
  WecomApp,
} from '../../functions/core/credential.ts';
import type { Clock, Notice, RecordStore } from '../../functions/core/ports.ts';
import type { CredentialResult } from '../../functions/core/reporting/results.ts';
import { TICK_EVENT } from '../../functions/deployment.ts';
import { allowAnonymous, readerKeyAuthenticator } from '../../functions/http/authenticator.ts';
import type { ReadResponse } from '../../functions/http/http-types.ts';
import { type ReadApi, readApi } from '../../functions/http/read-api.ts';
import { createRefresher, noProxy, type Refresher } from '../../functions/refresher.ts';
import { type EmbeddedTable, openEmbeddedTable } from '../../local/embedded-table.ts';
import {
  DEMO_ACCOUNT,
  DEMO_WECOM_APP,
  ManualClock,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../local/simulator/simulator.ts';
import { nonWaitingClock } from './memory-world.ts';
import { type ParameterServer, startParameterServer } from './parameter-server.ts';

export const MINUTE = 60_000;
export const START = Date.UTC(2026, 0, 1);

export const shop = {
  name: 'shop',
  kind: 'official-account',
  appId: DEMO_ACCOUNT.appId,
  tokenApi: 'classic',
  tickets: [],
} as const satisfies WechatApp;

export const crm = {
  name: 'crm',
  kind: 'wecom',
  corpId: DEMO_WECOM_APP.corpId,
  agentId: DEMO_WECOM_APP.agentId,
  tickets: ['jsapi', 'agent_config'],
} as const satisfies WecomApp;

/** A whole deployment on one clock: WeChat, the table, the parameters, the refresher and the read URL. */
export type World = {
  /** The first of the apps. */
  readonly app: WechatApp;
  readonly clock: ManualClock;
  readonly simulator: Simulator;
  readonly table: EmbeddedTable;
  readonly store: RecordStore;
  readonly parameters: ParameterServer;
  readonly refresher: Refresher;
  /** The notices that any refresher has sent. */
  readonly notices: readonly Notice[];
  /** Another refresher with caches of its own, as a second Lambda instance has. */
  another(changes?: { apps?: readonly App[] }): Refresher;
  /** One scheduled tick. */
  tick(): Promise<CredentialResult[]>;
  invoke(event: unknown): Promise<CredentialResult[]>;
  /** Of the first app, unless another is named. */
  record(name?: CredentialName, appName?: string): Promise<CredentialRecord | undefined>;
  parameter(name?: CredentialName, appName?: string): string | undefined;
  readonly read: ReadApi;
  readonly readerKeys: ReaderKeys;
  get(path: string, headers?: Record<string, string>): Promise<ReadResponse>;
  /** Moves the clock to `minutes` after the start. */
  at(minutes: number): void;
  close(): Promise<void>;
};

/** What EventBridge Scheduler sends. */
export const TICK = TICK_EVENT;

export async function startWorld(
  options: {
    app?: WechatApp;
    others?: readonly App[];
    cacheSeconds?: number;
    probeMinutes?: number;
    simulator?: SimulatorOptions;
    withoutSecret?: boolean;
    /** Readers need a key. */
    requiresKey?: boolean;
  } = {},
): Promise<World> {
  const app = options.app ?? shop;
  const apps = [app, ...(options.others ?? [])];
  const notices: Notice[] = [];
  const clock = new ManualClock(START);
  const simulator = await startSimulator({ clock, ...options.simulator });
  const table = await openEmbeddedTable();
  const parameters = await startParameterServer();
  for (const { name, kind } of options.withoutSecret ? [] : apps) {
    const { secret } = kind === 'wecom' ? DEMO_WECOM_APP : DEMO_ACCOUNT;
    parameters.put(`/wechat/secrets/${name}/app-secret`, secret);
  }
  const store = recordTable(table.client, table.tableName);

  const now = () => clock.now();
  const refresherClock: Clock = {
    now,
    sleepUntil: async (instantMs) => clock.set(Math.max(clock.now(), instantMs)),
  };
  const opened: Refresher[] = [];
  const another = (changes: { apps?: readonly App[] } = {}) => {
    const refresher = createRefresher({
      apps: changes.apps ?? apps,
      tickMs: MINUTE,
      refreshAfterMs: 100 * MINUTE,
      probeMs: (options.probeMinutes ?? 0) * MINUTE,
      hosts: { official: [simulator.url], wecom: [simulator.url] },
      proxyUrl: noProxy,
      store,
      mirror: parameterMirror(parameters.client, '/wechat'),
      secrets: appSecrets(parameters.client, '/wechat'),
      notices: { send: async (notice) => void notices.push(notice) },
      clock: refresherClock,
      onUpstreamCall: () => undefined,
    });
    opened.push(refresher);
    return refresher;
  };
  const refresher = another();
  const read = readApi({
    apps,
    authenticator: options.requiresKey
      ? readerKeyAuthenticator(readerKeyLookup(batchGet(table.client), table.tableName), nonWaitingClock(now))
      : allowAnonymous,
    refreshAfterMs: 100 * MINUTE,
    cacheSeconds: options.cacheSeconds ?? 0,
    store,
    clock: nonWaitingClock(now),
    nonce: () => 'Wm3WZYTPz0wzccnW',
  });
  const invoke = async (event: unknown) => [...(await refresher.run(event)).results];
  return {
    app,
    clock,
    simulator,
    table,
    store,
    parameters,
    refresher,
    notices,
    another,
    tick: () => invoke(TICK),
    invoke,
    async record(name = 'access-token', appName = app.name) {
      const id = `${appName}/${name}`;
      return (await store.read([id])).get(id);
    },
    parameter: (name = 'access-token', appName = app.name) =>
      parameters.get(`/wechat/tokens/${appName}/${name}`),
    read,
    readerKeys: readerKeys(table.client, table.tableName, now),
    get(path, headers = {}) {
      const url = new URL(path, 'http://read');
      return read({ method: 'GET', path: url.pathname, query: url.searchParams, headers, body: '' });
    },
    at: (minutes) => clock.set(START + minutes * MINUTE),
    async close() {
      for (const each of opened) await each.close();
      await simulator.close();
      await table.close();
      await parameters.close();
    },
  };
}
