import { afterEach, expect, test } from 'vitest';
import { memoryStore, nonWaitingClock } from '../../bench/harness/memory-world.ts';
import { crm, MINUTE, START, shop, TICK } from '../../bench/harness/world.ts';
import {
  type App,
  type CredentialRecord,
  credentialsOf,
  type WechatApp,
} from '../../functions/core/credential.ts';
import { allowAnonymous } from '../../functions/http/authenticator.ts';
import { readApi } from '../../functions/http/read-api.ts';
import { createRefresher, noProxy } from '../../functions/refresher.ts';
import {
  DEMO_ACCOUNT,
  DEMO_WECOM_APP,
  ManualClock,
  type Simulator,
  startSimulator,
} from '../../local/simulator/simulator.ts';

/** A simulated week of every kind of credential; WeChat over real HTTP, the table in memory. */

const WEEK_MINUTES = 7 * 24 * 60;
const mini: WechatApp = {
  name: 'mini',
  kind: 'mini-program',
  appId: 'wxmini',
  tokenApi: 'stable',
  tickets: [],
};
const apps: readonly App[] = [{ ...shop, tickets: ['jsapi', 'wx_card'] }, mini, crm];
const paths = apps.flatMap(credentialsOf).map(({ app, name }) => `/apps/${app.name}/${name}`);

let simulator: Simulator;
afterEach(() => simulator.close());

test('for a week the read URL never serves an invalid value, and WeChat gets no more calls than necessary', async () => {
  const clock = new ManualClock(START);
  simulator = await startSimulator({
    clock,
    accounts: [DEMO_ACCOUNT, { appId: mini.appId, secret: DEMO_ACCOUNT.secret }],
  });
  const records = new Map<string, CredentialRecord>();
  const store = memoryStore(records);
  const now = () => clock.now();
  const read = readApi({
    apps,
    authenticator: allowAnonymous,
    refreshAfterMs: 100 * MINUTE,
    cacheSeconds: 10,
    store,
    clock: nonWaitingClock(now),
    nonce: () => 'nonce',
  });
  const invalid = new Set<string>();
  /** The instants at which a path had no value. */
  const unavailable = new Map(paths.map((path) => [path, new Set<number>()]));

  async function readAll(): Promise<void> {
    for (const path of paths) {
      const { status, body } = await read({
        method: 'GET',
        path,
        query: new URLSearchParams(),
        headers: {},
        body: '',
      });
      if (status !== 200) {
        unavailable.get(path)?.add(clock.now());
        continue;
      }
      const answer = JSON.parse(body);
      if (!simulator.isTokenValid(answer.access_token ?? answer.ticket))
        invalid.add(`${path} at ${clock.now()}`);
    }
  }

  /** Lets the time pass, and reads in each second in which a value may end; at other times what is served does not change. */
  async function passUntil(instant: number): Promise<void> {
    const ends = [...records.values()].some(({ current }) => {
      const end = current?.expiresAt ?? 0;
      return end > clock.now() - 15_000 && end <= instant;
    });
    for (let second = clock.now() + 1_000; ends && second < instant; second += 1_000) {
      clock.set(second);
      await readAll();
    }
    clock.set(Math.max(clock.now(), instant));
    await readAll();
  }

  // Two apps may wait for the same moment, but they share one clock.
  let passing = Promise.resolve();
  const sleepUntil = (instant: number) => {
    passing = passing.then(() => passUntil(instant));
    return passing;
  };

  const secretOf = async ({ kind }: App) => ({
    revision: '1',
    value: kind === 'wecom' ? DEMO_WECOM_APP.secret : DEMO_ACCOUNT.secret,
  });
  const refresher = createRefresher({
    apps,
    tickMs: MINUTE,
    refreshAfterMs: 100 * MINUTE,
    probeMs: 5 * MINUTE,
    hosts: { official: [simulator.url], wecom: [simulator.url] },
    proxyUrl: noProxy,
    store,
    mirror: { write: async () => undefined },
    secrets: { read: secretOf, reread: secretOf, whereToPut: () => '' },
    notices: { send: async (notice) => expect.unreachable(notice.message) },
    clock: { now, sleepUntil },
    onUpstreamCall: () => undefined,
  });

  for (let minute = 0; minute < WEEK_MINUTES; minute++) {
    const tickAt = START + minute * MINUTE;
    if (clock.now() < tickAt) await passUntil(tickAt);
    const { results } = await refresher.run(TICK);
    for (const { error } of results) expect(error).toBeUndefined();
  }
  await refresher.close();

  expect([...invalid]).toEqual([]);
  // A value with an overlap is always there; one without is missing for at most two seconds at its end.
  const ends = Math.ceil(WEEK_MINUTES / 120);
  for (const path of paths) {
    const overlaps = ['/apps/shop/access-token', '/apps/mini/access-token'].includes(path);
    expect(unavailable.get(path)?.size, path).toBeLessThanOrEqual(overlaps ? 0 : 2 * ends);
  }

  const calls = (route: string) => simulator.calls(route).length;
  // The fewest possible: every 100 minutes (classic), in the last 5 minutes of 120 (stable), every 120 minutes (the rest).
  const fewest = (everyMinutes: number) => Math.ceil(WEEK_MINUTES / everyMinutes);
  expect(calls('/cgi-bin/token')).toBeLessThanOrEqual(fewest(100) * 1.02);
  expect(calls('/cgi-bin/stable_token')).toBeLessThanOrEqual(fewest(115) * 1.02);
  expect(calls('/cgi-bin/gettoken')).toBeLessThanOrEqual(fewest(120) * 1.02);
  expect(calls('/cgi-bin/ticket/getticket')).toBeLessThanOrEqual(2 * fewest(120) * 1.02);
  expect(calls('/cgi-bin/get_jsapi_ticket')).toBeLessThanOrEqual(fewest(120) * 1.02);
  expect(calls('/cgi-bin/ticket/get')).toBeLessThanOrEqual(fewest(120) * 1.02);
  // And the probes of three tokens, one every five minutes.
  expect(calls('/cgi-bin/get_api_domain_ip')).toBeLessThanOrEqual(3 * fewest(5));
}, 60_000);
