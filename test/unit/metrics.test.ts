import { expect, test } from 'vitest';
import { crm } from '../../bench/harness/world.ts';
import { expiringBelowSeconds, measuresEachApp } from '../../functions/core/reporting/metrics.ts';
import { mini, shop } from '../support/apps.ts';

test.each([
  ['a classic token, renewed with 20 minutes left', shop, 'access-token', 100, 900],
  ['one renewed as late as can be, with 5 minutes left', shop, 'access-token', 115, 225],
  [
    'a stable token, renewed in its last 5 minutes',
    { ...shop, tokenApi: 'stable' },
    'access-token',
    100,
    240,
  ],
  ['a ticket, renewed at its very end', shop, 'jsapi-ticket', 100, 1],
  ["WeCom's token, the same", crm, 'access-token', 100, 1],
] as const)('%s', (_what, app, name, refreshAfterMinutes, seconds) => {
  expect(expiringBelowSeconds(app, name, refreshAfterMinutes)).toBe(seconds);
});

test('sixty apps are measured each for itself, and one more is too many', () => {
  const apps = (count: number) => Array.from({ length: count }, () => mini);
  expect(measuresEachApp(apps(60))).toBe(true);
  expect(measuresEachApp(apps(61))).toBe(false);
});
