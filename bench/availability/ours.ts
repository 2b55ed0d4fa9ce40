import type { WechatApp } from '../../functions/core/credential.ts';
import { fingerprintOf } from '../../functions/core/credential.ts';
import { type RefreshRequest, refresh } from '../../functions/core/refresh.ts';
import { timingOf } from '../../functions/core/rules/timing.ts';
import { allowAnonymous } from '../../functions/http/authenticator.ts';
import { readApi } from '../../functions/http/read-api.ts';
import { DEMO_ACCOUNT } from '../../local/simulator/simulator.ts';
import { instrumented } from '../../test/support/instrumented-ports.ts';
import { MemoryWorld } from '../../test/support/memory-ports.ts';
import { standingClock } from '../../test/support/standing-clock.ts';
import { type CallEnd, type Candidate, SERVERS } from './candidate.ts';
import { MINUTE, MONTH_START } from './month.ts';

const schedule = { refreshAfterMs: 100 * MINUTE, probeMs: 5 * MINUTE, timing: timingOf(MINUTE) };

/**
 * The real core and the real read URL, with the defaults of the configuration.
 *
 * @param options.report an app that is refused with 40001 tells the refresher so, reads again and calls again
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
  let nextOneDies = false;

  /** One instance of the function: with the store down it cannot read or write, and one of them dies after WeChat's answer. */
  async function runOnce(request: RefreshRequest): Promise<void> {
    const died = Promise.withResolvers<void>();
    let answered = false;
    const ports = instrumented(world.ports(), (name, _about, call) => {
      if (storeIsDown && !name.startsWith('source.')) throw new Error('down');
      if (answered && nextOneDies && name === 'store.swap') {
        nextOneDies = false;
        died.resolve();
        return new Promise(() => undefined);
      }
      answered ||= name === 'source.fetch';
      return call();
    });
    // A tick whose table is down ends with an error, and the next one comes in a minute.
    const run = refresh([app], request, schedule, ports).catch(() => undefined);
    await Promise.race([run, died.promise]);
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
    clock: standingClock(() => clock.now()),
    nonce: () => 'nonce',
  });

  async function readOnce(query = ''): Promise<string | undefined> {
    const path = '/apps/shop/access-token';
    const request = { method: 'GET', path, query: new URLSearchParams(query), headers: {}, body: '' };
    const { status, body } = await read(request);
    return status === 200 ? JSON.parse(body).access_token : undefined;
  }

  const endWith = (token: string | undefined): CallEnd =>
    token === undefined ? 'none' : wechat.isTokenValid(token) ? 'ok' : 'dead';

  async function callOnce(): Promise<CallEnd> {
    const token = await readOnce();
    const end = endWith(token);
    if (!options.report || end !== 'dead' || token === undefined) return end;
    const rejected = fingerprintOf(token);
    await runOnce({ credential: 'access-token', rejected });
    return endWith(await readOnce(`rejected=${rejected}`));
  }

  return {
    name,
    clock,
    wechat,
    async tick({ deliveries }) {
      await Promise.all(Array.from({ length: deliveries }, () => runOnce({ mayWait: true })));
    },
    call: () => Promise.all(Array.from({ length: SERVERS }, callOnce)),
    applyFault(kind, standing) {
      if (kind === 'store-down') storeIsDown = standing;
      if (kind === 'dies-before-keeping') nextOneDies = true;
    },
  };
}
