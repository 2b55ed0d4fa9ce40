import { afterAll, expect, test } from 'vitest';
import { tryEveryCrashPoint } from './crash-points.ts';
import { crashScenarios } from './crash-scenarios.ts';

let points = 0;
afterAll(() => console.log(`${points} crash points in ${crashScenarios.length} scenarios were tried.`));

test.each(crashScenarios)(
  '$name: after a fault at any one call, two ticks heal everything',
  async (scenario) => {
    const result = await tryEveryCrashPoint(scenario);
    points += result.points;
    expect(result.violations).toEqual([]);
    expect(result.calls).toBeGreaterThan(1);
  },
);
