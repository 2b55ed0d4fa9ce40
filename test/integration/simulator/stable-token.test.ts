import { describe, expect, test } from 'vitest';
import { createAccount, grantStableToken } from '../../../local/simulator/official-account.ts';
import { DEMO_ACCOUNT } from '../../../local/simulator/simulator.ts';
import { MIDNIGHT, openSimulator } from './harness.ts';

describe('a normal call returns the same token until its last 5 minutes', () => {
  test.each([
    [0, 'same', 7200],
    [0.001, 'same', 7199],
    [1.5, 'same', 7198],
    [6000, 'same', 1200],
    [6900, 'same', 300],
    [6900.001, 'new', 7200],
    [7199, 'new', 7200],
    [7200, 'new', 7200],
    [9000, 'new', 7200],
  ])('after %d s: %s, expires_in %d', async (seconds, expected, expiresIn) => {
    const { at, stable } = await openSimulator();
    const first = await stable();
    expect(first.access_token).toMatch(/^simstable_[\w-]{128}$/);
    at(seconds);
    const second = await stable();
    expect(second.access_token === first.access_token ? 'same' : 'new').toBe(expected);
    expect(second.expires_in).toBe(expiresIn);
  });

  test.each([
    ['replaced 200 s before its end, it is valid to its end', 7000, 7199, 0],
    ['and no longer', 7000, 7200, 42001],
  ])('%s', async (_, replacedAt, probedAt, errcode) => {
    const { at, stable, probe } = await openSimulator();
    const old = await stable();
    at(replacedAt);
    const fresh = await stable();
    expect(fresh.access_token).not.toBe(old.access_token);
    at(probedAt);
    expect(await probe(old.access_token)).toBe(errcode);
    expect(await probe(fresh.access_token)).toBe(0);
  });

  test('a fixed 100-minute timer is wrong here: the same token comes back, and expires at minute 120', async () => {
    const { at, stable, probe } = await openSimulator();
    const first = await stable();
    at(100 * 60);
    expect(await stable()).toEqual({ access_token: first.access_token, expires_in: 1200 });
    at(120 * 60);
    expect(await probe(first.access_token)).toBe(42001);
  });
});

describe('force_refresh', () => {
  test('issues a new token; the old one stays valid for 5 minutes', async () => {
    const { at, stable, probe } = await openSimulator();
    const old = await stable();
    at(100);
    const fresh = await stable({ force_refresh: true });
    expect(fresh.access_token).not.toBe(old.access_token);
    expect(fresh.expires_in).toBe(7200);
    at(399);
    expect(await probe(old.access_token)).toBe(0);
    at(401);
    expect(await probe(old.access_token)).toBe(40001);
    expect((await stable()).access_token).toBe(fresh.access_token);
  });

  test('two forced calls invalidate a leaked token for good', async () => {
    const { at, stable, probe } = await openSimulator();
    const leaked = await stable();
    at(1);
    await stable({ force_refresh: true });
    expect(await probe(leaked.access_token)).toBe(0);
    at(31);
    await stable({ force_refresh: true });
    expect(await probe(leaked.access_token)).toBe(40001);
  });

  test.each([
    [29.999, 'same', 7170],
    [30, 'new', 7200],
  ])('asked again after %d s gives the %s token', async (seconds, expected, expiresIn) => {
    const { at, stable } = await openSimulator();
    const first = await stable({ force_refresh: true });
    at(seconds);
    const second = await stable({ force_refresh: true });
    expect(second.access_token === first.access_token ? 'same' : 'new').toBe(expected);
    expect(second.expires_in).toBe(expiresIn);
  });

  test('20 a day, then 45009 until midnight in Beijing; a normal call still works', async () => {
    const { at, stable } = await openSimulator();
    for (let call = 0; call < 20; call += 1) {
      at(call * 30);
      expect((await stable({ force_refresh: true })).errcode).toBeUndefined();
    }
    at(600);
    const { access_token: current } = await stable();
    expect((await stable({ force_refresh: true })).errcode).toBe(45009);
    expect((await stable()).access_token).toBe(current);
    at(86_399);
    expect((await stable({ force_refresh: true })).errcode).toBe(45009);
    at(86_400);
    expect((await stable({ force_refresh: true })).errcode).toBeUndefined();
  });

  test('only the JSON value true forces', async () => {
    const { at, stable } = await openSimulator();
    const first = await stable();
    at(60);
    for (const force_refresh of [false, 'true', 1]) {
      expect((await stable({ force_refresh })).access_token).toBe(first.access_token);
    }
  });
});

describe('stable and classic are wholly separate', () => {
  test('neither invalidates the other', async () => {
    const { at, classic, stable, probe } = await openSimulator();
    const stableToken = await stable();
    for (let call = 0; call < 3; call += 1) await classic();
    const classicToken = await classic();
    for (const seconds of [30, 60, 90]) {
      at(seconds);
      await stable({ force_refresh: true });
    }
    at(7000);
    expect(await probe(classicToken.access_token)).toBe(0);
    expect(await probe(stableToken.access_token)).toBe(40001);
  });
});

describe('quotas', () => {
  const policy = { lifetimeMs: 7_200_000, overlapMs: 300_000 };

  test('10,000 calls a minute, then 45011 until the next', () => {
    const account = createAccount(DEMO_ACCOUNT);
    for (let call = 1; call <= 10_000; call += 1) grantStableToken(account, false, MIDNIGHT, policy);
    expect(() => grantStableToken(account, false, MIDNIGHT + 59_999, policy)).toThrow(
      expect.objectContaining({ errcode: 45011 }),
    );
    expect(grantStableToken(account, false, MIDNIGHT + 60_000, policy).value).toMatch(/^simstable_/);
  });

  test('500,000 calls a day, then 45009 until midnight in Beijing', () => {
    const account = createAccount(DEMO_ACCOUNT);
    for (let call = 0; call < 500_000; call += 1) {
      grantStableToken(account, false, MIDNIGHT + Math.floor(call / 10_000) * 60_000, policy);
    }
    const evening = Date.parse('2026-01-02T23:59:59.999+08:00');
    expect(() => grantStableToken(account, false, evening, policy)).toThrow(
      expect.objectContaining({ errcode: 45009 }),
    );
    const nextDay = Date.parse('2026-01-03T00:00:00+08:00');
    expect(grantStableToken(account, false, nextDay, policy).value).toMatch(/^simstable_/);
  });
});
