import type { WechatApp } from '../../functions/core/credential.ts';
import { fingerprintOf } from '../../functions/core/credential.ts';
import { type RefreshRequest, refresh } from '../../functions/core/refresh.ts';
import { timingOf } from '../../functions/core/rules/timing.ts';
import { allowAnonymous } from '../../functions/http/authenticator.ts';
import { readApi } from '../../functions/http/read-api.ts';
import { DEMO_ACCOUNT } from '../../local/simulator/simulator.ts';
import { instrumented } from '../harness/instrumented-ports.ts';
import { MemoryWorld, nonWaitingClock } from '../harness/memory-world.ts';
import { type CallResult, type Candidate, SERVERS } from './candidate.ts';
import { MINUTE_MS, MONTH_START } from './month.ts';

const schedule = { refreshAfterMs: 100 * MINUTE_MS, probeMs: 3 * MINUTE_MS, timing: timingOf(MINUTE_MS) };

/**
 * The real core and the real read URL, with the default configuration.
 *
 * @param options.report an app that gets 40001 reports the token to the refresher, reads again and calls again
 */
export function ours(
  name: string,
  tokenApi: WechatApp['tokenApi'],
  options: { report: boolean } = { report: false },
): Candidate {
  const app: WechatApp = {
    name: 'shop',
    kind: 'official-account',
    appId: DEMO_ACCOUNT.appId,
    tokenApi,
    tickets: [],
  };
  const world = new MemoryWorld([app], MONTH_START);
  const { clock, wechat } = world;
  let storeIsDown = false;
  let nextOneCrashes = false;

  /** One run of the function: with `nextOneCrashes` it crashes between WeChat's answer and the write to the table. */
  async function runOnce(request: RefreshRequest): Promise<void> {
    const crashed = Promise.withResolvers<void>();
    let answered = false;
    const ports = instrumented(world.ports(), (name, _about, call) => {
      if (storeIsDown && !name.startsWith('source.')) throw new Error('down');
      if (answered && nextOneCrashes && name === 'store.swap') {
        nextOneCrashes = false;
        crashed.resolve();
        return new Promise(() => undefined);
      }
      answered ||= name === 'source.fetch';
      return call();
    });
    // A tick fails while the table is down, and the next one comes in a minute.
    const run = refresh([app], request, schedule, ports).catch(() => undefined);
    await Promise.race([run, crashed.promise]);
  }

  const { store } = world.ports();
  const read = readApi({
    apps: [app],
    authenticator: allowAnonymous,
    refreshAfterMs: schedule.refreshAfterMs,
    cacheSeconds: 10,
    store: {
      read: (ids) => (storeIsDown ? Promise.reject(new Error('down')) : store.read(ids)),
    },
    clock: nonWaitingClock(() => clock.now()),
    nonce: () => 'nonce',
  });

  async function readOnce(query = ''): Promise<string | undefined> {
    const path = '/apps/shop/access-token';
    const request = { method: 'GET', path, query: new URLSearchParams(query), headers: {}, body: '' };
    const { status, body } = await read(request);
    return status === 200 ? JSON.parse(body).access_token : undefined;
  }

  const callWith = (token: string | undefined): CallResult =>
    token === undefined ? 'none' : wechat.isTokenValid(token) ? 'ok' : 'invalid';

  async function callOnce(): Promise<CallResult> {
    const token = await readOnce();
    const result = callWith(token);
    if (!options.report || result !== 'invalid' || token === undefined) return result;
    const rejected = fingerprintOf(token);
    await runOnce({ credential: 'access-token', rejected });
    return callWith(await readOnce(`rejected=${rejected}`));
  }

  return {
    name,
    clock,
    wechat,
    async tick({ deliveries }) {
      await Promise.all(Array.from({ length: deliveries }, () => runOnce({ mayWait: true })));
    },
    call: () => Promise.all(Array.from({ length: SERVERS }, callOnce)),
    applyFault(kind, active) {
      if (kind === 'store-down') storeIsDown = active;
      if (kind === 'crash-before-storing') nextOneCrashes = true;
    },
  };
}
