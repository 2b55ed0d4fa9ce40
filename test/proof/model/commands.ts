import fc from 'fast-check';
import type { App } from '../../../functions/core/credential.ts';
import { accidents } from '../crash-process.ts';
import { apps } from '../stories.ts';
import { type FaultMode, MINUTE, type Run } from './deployment.ts';
import type { Scenario } from './scenario.ts';

/** All that may happen, in any order. Each arbitrary makes one kind of event. */

type Event = fc.AsyncCommand<object, Scenario>;

/** An event that prints as it was drawn. */
function event<Drawn>(
  name: string,
  drawn: fc.Arbitrary<Drawn>,
  happen: (scenario: Scenario, drawn: Drawn) => Promise<void> | void,
): fc.Arbitrary<Event> {
  return drawn.map((values) => ({
    check: () => true,
    async run(_model, scenario) {
      await happen(scenario, values);
      scenario.invariants.checkAlways();
    },
    toString: () => `${name} ${JSON.stringify(values, (_key, value) => value?.name ?? value)}`,
  }));
}

const app = fc.constantFrom(...apps);
const pauses = fc.array(fc.nat(12), { minLength: 1, maxLength: 16 });
const refresher = fc.nat(2);
const accident = fc.record({ kind: fc.constantFrom(...accidents), at: fc.integer({ min: 1, max: 40 }) });
const faultMode = fc.constantFrom<FaultMode>('fair', 'down', 'throttled', 'deaf');

const tickOf = (refresher: number): Run => ({ refresher, apps, request: { mayWait: true } });
/** By hand: it does not stay for an end, which would be another renewal. */
const plainOf = (refresher: number): Run => ({ refresher, apps, request: {} });
const forceOf =
  (app: App) =>
  (refresher: number): Run => ({ refresher, apps: [app], request: { force: true } });
const some = (what: fc.Arbitrary<number>, maxLength: number, minLength = 1) =>
  fc.array(what, { minLength, maxLength });

/** What AWS, WeChat's servers and we ourselves do. */
export const ownEvents: readonly fc.Arbitrary<Event>[] = [
  event('minutes with their ticks', fc.integer({ min: 1, max: 20 }), (scenario, minutes) =>
    scenario.passMinutes(minutes),
  ),
  event(
    'time without ticks, minutes',
    fc.constantFrom(0.1, 0.5, 1, 2, 5, 30, 60, 99, 115, 119.5, 121),
    (scenario, minutes) => scenario.passWithoutTicks(minutes * MINUTE),
  ),
  event(
    'a tick, delivered to',
    fc.record({ refreshers: some(refresher, 4), pauses }),
    (scenario, { refreshers, pauses }) => scenario.invoke({ runs: refreshers.map(tickOf), pauses }),
  ),
  event(
    'a tick that dies or is deaf',
    fc.record({ refreshers: some(refresher, 2), pauses, accident }),
    (scenario, { refreshers, pauses, accident }) =>
      scenario.invoke({ runs: refreshers.map(tickOf), pauses, accident }),
  ),
  event(
    'forced refreshes, and plain ones in the same moment, of',
    fc.record({ app, forced: some(refresher, 3), plain: some(refresher, 2, 0), pauses }),
    (scenario, { app, forced, plain, pauses }) =>
      scenario.invoke({ runs: [...plain.map(plainOf), ...forced.map(forceOf(app))], pauses }),
  ),
  event(
    'a forced refresh that dies or is deaf, of',
    fc.record({ app, pauses, kind: fc.constantFrom(...accidents), at: fc.integer({ min: 1, max: 8 }) }),
    (scenario, { app, pauses, ...accident }) =>
      scenario.invoke({ runs: [forceOf(app)(0)], pauses, accident }),
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
  event('WeChat', fc.constantFrom('fair', 'busy', 'down', 'deaf'), (scenario, how) =>
    scenario.setWechat(how),
  ),
  event('WeChat takes, seconds', fc.constantFrom(0, 3, 8), (scenario, seconds) =>
    scenario.setLatency(seconds * 1000),
  ),
  event('the table', faultMode, (scenario, how) => scenario.setTable(how)),
  event('the parameter store', faultMode, (scenario, how) => scenario.setParameterStore(how)),
];

/** What others do: strangers, ops, and whoever sets the clocks. */
export const strangeEvents: readonly fc.Arbitrary<Event>[] = [
  event('somebody else rotates', fc.integer({ min: 1, max: 2 }), (scenario, times) =>
    scenario.rotateElsewhere(times),
  ),
  event('WeCom invalidates its token', fc.constant({}), (scenario) => scenario.invalidateWecom()),
  event('the AppSecret is reset of', app, (scenario, app) => scenario.resetSecret(app)),
  event('ops write the AppSecret of', app, (scenario, app) => scenario.writeSecret(app)),
  event('our IP is refused', fc.boolean(), (scenario, refused) => scenario.refuseIp(refused)),
  event('the classic quota is burnt', fc.constant({}), (scenario) => scenario.burnQuota()),
  event(
    'clocks differ, seconds',
    fc.tuple(...[0, 1, 2].map(() => fc.constantFrom(0, 0, -90, 90, 30))),
    (scenario, seconds) => scenario.setClocks(seconds.map((each) => each * 1000)),
  ),
];
