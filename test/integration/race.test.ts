import { afterEach, describe, expect, test } from 'vitest';
import { type RefresherProcess, startRefresherProcess } from '../../bench/harness/start-refresher-process.ts';
import { shop, startWorld, TICK, type World } from '../../bench/harness/world.ts';

let world: World;
let processes: RefresherProcess[] = [];
afterEach(async () => {
  for (const each of processes) each.stop();
  processes = [];
  await world.close();
});

/** 200 concurrent events from 4 processes, every second one a forced refresh. */
async function stampede() {
  processes = await Promise.all(Array.from({ length: 4 }, () => startRefresherProcess(world)));
  const events = Array.from({ length: 50 }, (_, index) =>
    index % 2 === 0 ? TICK : { app: 'shop', force: true, reason: 'race' },
  );
  const results = (await Promise.all(processes.map((each) => each.run(events)))).flat();
  return results.map((result) => (result === 'killed' ? result : result.outcome));
}

describe('200 concurrent ticks and forced refreshes from 4 processes', () => {
  test('call WeChat once and write one version when the table is empty', async () => {
    world = await startWorld();
    const outcomes = await stampede();
    expect(outcomes).toHaveLength(200);
    expect(outcomes.filter((outcome) => outcome === 'renewed')).toHaveLength(1);
    expect(outcomes.filter(didNotRenew)).toHaveLength(199);
    expect(world.simulator.calls('/cgi-bin/token')).toHaveLength(1);
    expect(await world.record()).toMatchObject({ version: 1, mirroredVersion: 1, leaseUntil: 0 });
    expect(world.parameters.writes).toHaveLength(1);
  });

  test('call WeChat once and write one version when the token is due', async () => {
    world = await startWorld();
    await world.tick();
    world.at(100);
    const outcomes = await stampede();
    expect(outcomes.filter((outcome) => outcome === 'renewed')).toHaveLength(1);
    expect(outcomes.filter(didNotRenew)).toHaveLength(199);
    expect(world.simulator.calls('/cgi-bin/token')).toHaveLength(2);
    expect(await world.record()).toMatchObject({ version: 2, mirroredVersion: 2, leaseUntil: 0 });
  });

  test('call WeChat once even when the call fails', async () => {
    world = await startWorld();
    world.simulator.setState(shop.appId, 50007);
    const outcomes = await stampede();
    expect(outcomes.filter((outcome) => outcome === 'failed')).toHaveLength(1);
    expect(world.simulator.calls('/cgi-bin/token')).toHaveLength(1);
  });
});

function didNotRenew(outcome: string): boolean {
  return outcome === 'busy' || outcome === 'fresh';
}

test('a second forced refresh is refused for 30 s, and carried out after that', async () => {
  world = await startWorld();
  await world.tick();
  const force = { app: 'shop', force: true };
  expect(await world.invoke(force)).toMatchObject([{ outcome: 'fresh', reason: 'renewed-while-waiting' }]);
  world.clock.advance(1);
  expect(await world.invoke(force)).toMatchObject([{ outcome: 'renewed', reason: 'forced', version: 2 }]);
  world.clock.advance(29_999);
  expect(await world.invoke(force)).toMatchObject([
    { outcome: 'too-soon', reason: 'forced-recently', version: 2 },
  ]);
  world.clock.advance(1);
  expect(await world.invoke(force)).toMatchObject([{ outcome: 'renewed', version: 3 }]);
});

test('a thousand reports of one dead token from 4 processes cause one renewal; reports of an older token cause none', async () => {
  world = await startWorld();
  await world.tick();
  const first = (await world.record())?.current?.fingerprint;
  world.at(10);
  world.simulator.rotate(shop.appId);
  world.at(20);
  const report = { app: 'shop', rejected: first };
  processes = await Promise.all(Array.from({ length: 4 }, () => startRefresherProcess(world)));
  const reports = Array.from({ length: 250 }, () => report);
  const results = (await Promise.all(processes.map((each) => each.run(reports)))).flat();
  const outcomes = results.map((result) => (result === 'killed' ? result : result.outcome));
  expect(outcomes).toHaveLength(1_000);
  expect(outcomes.filter((outcome) => outcome === 'renewed')).toHaveLength(1);
  expect(outcomes.filter(didNotRenew)).toHaveLength(999);
  // The other client's call is not in this list: these are the first fetch and the renewal.
  expect(world.simulator.calls('/cgi-bin/token')).toHaveLength(2);
  expect(await world.invoke(report)).toMatchObject([{ outcome: 'fresh', version: 2 }]);
  expect(world.simulator.calls('/cgi-bin/token')).toHaveLength(2);
});
