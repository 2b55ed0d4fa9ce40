import fc from 'fast-check';
import type { App } from '../../../functions/core/credential.ts';
import { accidents } from '../doomed.ts';
import { apps } from '../stories.ts';
import { MINUTE, type Run, type Weather } from './deployment.ts';
import type { Trial } from './trial.ts';

/** All that may happen, in any order. Each arbitrary makes one kind of event. */

type Event = fc.AsyncCommand<object, Trial>;

/** An event that prints as it was drawn. */
function event<Drawn>(
  name: string,
  drawn: fc.Arbitrary<Drawn>,
  happen: (trial: Trial, drawn: Drawn) => Promise<void> | void,
): fc.Arbitrary<Event> {
  return drawn.map((values) => ({
    check: () => true,
    async run(_model, trial) {
      await happen(trial, values);
      trial.judge.checkAlways();
    },
    toString: () => `${name} ${JSON.stringify(values, (_key, value) => value?.name ?? value)}`,
  }));
}

const app = fc.constantFrom(...apps);
const pauses = fc.array(fc.nat(12), { minLength: 1, maxLength: 16 });
const refresher = fc.nat(2);
const accident = fc.record({ kind: fc.constantFrom(...accidents), at: fc.integer({ min: 1, max: 40 }) });
const weather = fc.constantFrom<Weather>('fair', 'down', 'throttled', 'deaf');

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
  event('minutes with their ticks', fc.integer({ min: 1, max: 20 }), (trial, minutes) =>
    trial.passMinutes(minutes),
  ),
  event(
    'time without ticks, minutes',
    fc.constantFrom(0.1, 0.5, 1, 2, 5, 30, 60, 99, 115, 119.5, 121),
    (trial, minutes) => trial.passWithoutTicks(minutes * MINUTE),
  ),
  event(
    'a tick, delivered to',
    fc.record({ refreshers: some(refresher, 4), pauses }),
    (trial, { refreshers, pauses }) => trial.invoke({ runs: refreshers.map(tickOf), pauses }),
  ),
  event(
    'a tick that dies or is deaf',
    fc.record({ refreshers: some(refresher, 2), pauses, accident }),
    (trial, { refreshers, pauses, accident }) =>
      trial.invoke({ runs: refreshers.map(tickOf), pauses, accident }),
  ),
  event(
    'forced refreshes, and plain ones in the same moment, of',
    fc.record({ app, forced: some(refresher, 3), plain: some(refresher, 2, 0), pauses }),
    (trial, { app, forced, plain, pauses }) =>
      trial.invoke({ runs: [...plain.map(plainOf), ...forced.map(forceOf(app))], pauses }),
  ),
  event(
    'a forced refresh that dies or is deaf, of',
    fc.record({ app, pauses, kind: fc.constantFrom(...accidents), at: fc.integer({ min: 1, max: 8 }) }),
    (trial, { app, pauses, ...accident }) => trial.invoke({ runs: [forceOf(app)(0)], pauses, accident }),
  ),
  event(
    'reports of the current token of',
    fc.record({ app, refreshers: some(refresher, 3), pauses }),
    (trial, { app, refreshers, pauses }) => {
      const request = { rejected: trial.current(app) };
      return trial.invoke({
        runs: refreshers.map((each) => ({ refresher: each, apps: [app], request })),
        pauses,
      });
    },
  ),
  event('a report of an older token of', app, (trial, app) => trial.reportOlder(app)),
  event('WeChat', fc.constantFrom('fair', 'busy', 'down', 'deaf'), (trial, how) => trial.setWechat(how)),
  event('WeChat takes, seconds', fc.constantFrom(0, 3, 8), (trial, seconds) =>
    trial.setLatency(seconds * 1000),
  ),
  event('the table', weather, (trial, how) => trial.setTable(how)),
  event('the parameter store', weather, (trial, how) => trial.setParameterStore(how)),
];

/** What others do: strangers, ops, and whoever sets the clocks. */
export const strangeEvents: readonly fc.Arbitrary<Event>[] = [
  event('somebody else rotates', fc.integer({ min: 1, max: 2 }), (trial, times) =>
    trial.rotateElsewhere(times),
  ),
  event('WeCom invalidates its token', fc.constant({}), (trial) => trial.invalidateWecom()),
  event('the AppSecret is reset of', app, (trial, app) => trial.resetSecret(app)),
  event('ops write the AppSecret of', app, (trial, app) => trial.writeSecret(app)),
  event('our IP is refused', fc.boolean(), (trial, refused) => trial.refuseIp(refused)),
  event('the classic quota is burnt', fc.constant({}), (trial) => trial.burnQuota()),
  event(
    'clocks differ, seconds',
    fc.tuple(...[0, 1, 2].map(() => fc.constantFrom(0, 0, -90, 90, 30))),
    (trial, seconds) => trial.setClocks(seconds.map((each) => each * 1000)),
  ),
];
