import { describe, expect, test } from 'vitest';
import { crm } from '../../bench/harness/world.ts';
import { expiringBelowSeconds, measuresEachApp } from '../../functions/core/reporting/metrics.ts';
import { mini, shop } from '../support/apps.ts';

describe('the seconds left below which a renewal is late, of', () => {
  test.each([
    ['a classic token, renewed with 20 minutes left', shop, 'access-token', 100, 900],
    [
      'a classic token that is renewed as late as possible, with 5 minutes left',
      shop,
      'access-token',
      115,
      225,
    ],
    [
      'a stable token, renewed in its last 5 minutes',
      { ...shop, tokenApi: 'stable' },
      'access-token',
      100,
      240,
    ],
    ['a ticket, renewed at its end', shop, 'jsapi-ticket', 100, 1],
    ["WeCom's token, renewed at its end", crm, 'access-token', 100, 1],
  ] as const)('%s', (_what, app, name, refreshAfterMinutes, seconds) => {
    expect(expiringBelowSeconds(app, name, refreshAfterMinutes)).toBe(seconds);
  });
});

test('up to sixty apps have metrics of their own', () => {
  const apps = (count: number) => Array.from({ length: count }, () => mini);
  expect(measuresEachApp(apps(60))).toBe(true);
  expect(measuresEachApp(apps(61))).toBe(false);
});
