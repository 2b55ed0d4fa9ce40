import fc from 'fast-check';
import type { App } from '../../../functions/core/credential.ts';
import type { CountOptions } from '../../../local/simulator/official-account.ts';
import { apps, MINUTE_MS } from '../configuration.ts';
import { callFaults } from '../crash-process.ts';
import type { FaultMode, Run } from './deployment.ts';
import { mangledForms, type Scenario, wechatFaults } from './scenario.ts';

/** Everything that may happen, in any order. Each arbitrary makes one kind of event. */

type Event = fc.AsyncCommand<object, Scenario>;

/** An event that prints its name and the values that were drawn. */
function event<Drawn>(
  name: string,
  drawn: fc.Arbitrary<Drawn>,
  apply: (scenario: Scenario, drawn: Drawn) => Promise<void> | void,
): fc.Arbitrary<Event> {
  return drawn.map((values) => ({
    check: () => true,
    async run(_model, scenario) {
      await apply(scenario, values);
      scenario.invariants.checkAlways();
    },
    toString: () => `${name} ${JSON.stringify(values, (_key, value) => value?.name ?? value)}`,
  }));
}

const app = fc.constantFrom(...apps);
const pauses = fc.array(fc.nat(12), { minLength: 1, maxLength: 16 });
const refresher = fc.nat(2);
const fault = fc.record({ kind: fc.constantFrom(...callFaults), at: fc.integer({ min: 1, max: 40 }) });
const faultMode = fc.constantFrom<FaultMode>('none', 'down', 'throttled', 'answer-lost');

const tickOf = (refresher: number): Run => ({ refresher, apps, request: { mayWait: true } });
/** Invoked by hand: it does not wait for an expiry, which would be another renewal. */
const plainOf = (refresher: number): Run => ({ refresher, apps, request: {} });
const forceOf =
  (app: App) =>
  (refresher: number): Run => ({ refresher, apps: [app], request: { force: true } });
const some = (what: fc.Arbitrary<number>, maxLength: number, minLength = 1) =>
  fc.array(what, { minLength, maxLength });

/** Ticks and requests, and faults of AWS, of WeChat's servers and of the function itself. */
export const internalEvents: readonly fc.Arbitrary<Event>[] = [
  event('minutes with their ticks', fc.integer({ min: 1, max: 20 }), (scenario, minutes) =>
    scenario.passMinutes(minutes),
  ),
  event(
    'time without ticks, minutes',
    fc.constantFrom(0.1, 0.5, 1, 2, 5, 30, 60, 99, 115, 119.5, 121),
    (scenario, minutes) => scenario.passWithoutTicks(minutes * MINUTE_MS),
  ),
  event(
    'a tick, delivered to',
    fc.record({ refreshers: some(refresher, 4), pauses }),
    (scenario, { refreshers, pauses }) => scenario.invoke({ runs: refreshers.map(tickOf), pauses }),
  ),
  event(
    'a tick with a fault',
    fc.record({ refreshers: some(refresher, 2), pauses, fault }),
    (scenario, { refreshers, pauses, fault }) =>
      scenario.invoke({ runs: refreshers.map(tickOf), pauses, fault }),
  ),
  event(
    'concurrent forced and plain refreshes of',
    fc.record({ app, forced: some(refresher, 3), plain: some(refresher, 2, 0), pauses }),
    (scenario, { app, forced, plain, pauses }) =>
      scenario.invoke({ runs: [...plain.map(plainOf), ...forced.map(forceOf(app))], pauses }),
  ),
  event(
    'a forced refresh with a fault, of',
    fc.record({ app, pauses, kind: fc.constantFrom(...callFaults), at: fc.integer({ min: 1, max: 8 }) }),
    (scenario, { app, pauses, ...fault }) => scenario.invoke({ runs: [forceOf(app)(0)], pauses, fault }),
  ),
  event(
    'reports of the current token of',
    fc.record({ app, refreshers: some(refresher, 3), pauses }),
    (scenario, { app, refreshers, pauses }) => {
      const request = { rejected: scenario.current(app) };
      return scenario.invoke({
        runs: refreshers.map((each) => ({ refresher: each, apps: [app], request })),
        pauses,
      });
    },
  ),
  event('a report of an older token of', app, (scenario, app) => scenario.reportOlder(app)),
  event('WeChat', fc.constantFrom(...wechatFaults), (scenario, mode) => scenario.setWechatFault(mode)),
  event('WeChat flaps, with seed', fc.nat(1_000), (scenario, seed) =>
    scenario.setWechatFault('flapping', seed),
  ),
  event(
    'WeChat answers as',
    fc.oneof(fc.constant('numbers-as-strings' as const), fc.constantFrom(...mangledForms)),
    (scenario, form) => scenario.setMangledAnswers(form),
  ),
  event(
    "WeChat's count",
    fc.constantFrom<CountOptions>(
      {},
      {},
      { lagMs: MINUTE_MS },
      { lagMs: 9 * MINUTE_MS },
      { frozen: true },
      { errcode: 76003 },
    ),
    (scenario, options) => scenario.setCount(options),
  ),
  event('WeChat takes, seconds', fc.constantFrom(0, 3, 8), (scenario, seconds) =>
    scenario.setLatency(seconds * 1000),
  ),
  event('the table', faultMode, (scenario, mode) => scenario.setTableFault(mode)),
  event('the parameter store', faultMode, (scenario, mode) => scenario.setParameterStoreFault(mode)),
];

/** What other clients and operators do, and wrong clocks. */
export const externalEvents: readonly fc.Arbitrary<Event>[] = [
  event('another client rotates', fc.integer({ min: 1, max: 2 }), (scenario, times) =>
    scenario.rotateElsewhere(times),
  ),
  event('WeCom invalidates its token', fc.constant({}), (scenario) => scenario.invalidateWecom()),
  event('the AppSecret is reset of', app, (scenario, app) => scenario.resetSecret(app)),
  event('operators write the AppSecret of', app, (scenario, app) => scenario.writeSecret(app)),
  event('our IP is not allowed', fc.boolean(), (scenario, blocked) => scenario.setIpBlocked(blocked)),
  event('the classic quota is used up', fc.constant({}), (scenario) => scenario.useUpQuota()),
  event(
    'clocks differ, seconds',
    fc.tuple(...[0, 1, 2].map(() => fc.constantFrom(0, 0, -90, 90, 30))),
    (scenario, seconds) => scenario.setClocks(seconds.map((each) => each * 1000)),
  ),
];
