import { describe, expect, test } from 'vitest';
import { createAccount, grantClassicToken } from '../../../local/simulator/official-account.ts';
import { DEMO_ACCOUNT } from '../../../local/simulator/simulator.ts';
import { MIDNIGHT, openSimulator } from './harness.ts';

const DAY_SECONDS = 86_400;

describe('every call rotates the classic token', () => {
  test('a token is valid for 7,200 s, says so, and has the prefix of the simulator', async () => {
    const { at, classic, probe } = await openSimulator();
    const { access_token: token, expires_in } = await classic();
    expect(expires_in).toBe(7200);
    expect(token).toMatch(/^simclassic_[\w-]{128}$/);
    at(7199);
    expect(await probe(token)).toBe(0);
    at(7200);
    expect(await probe(token)).toBe(42001);
  });

  test.each([
    ['old and new both work at once', 0, 0],
    ['and 299 s later', 299, 0],
    ['at 300 s the old one is invalid', 300, 40001],
    ['and stays invalid', 301, 40001],
  ])('%s', async (_, secondsAfterRotation, errcode) => {
    const { at, classic, probe } = await openSimulator();
    const old = await classic();
    at(1000);
    const fresh = await classic();
    at(1000 + secondsAfterRotation);
    expect(await probe(old.access_token)).toBe(errcode);
    expect(await probe(fresh.access_token)).toBe(0);
  });

  test('two calls within the overlap invalidate the first token', async () => {
    const { at, classic, probe } = await openSimulator();
    const first = await classic();
    at(10);
    const second = await classic();
    at(20);
    const third = await classic();
    expect(await probe(first.access_token)).toBe(40001);
    expect(await probe(second.access_token)).toBe(0);
    expect(await probe(third.access_token)).toBe(0);
    at(320);
    expect(await probe(second.access_token)).toBe(40001);
  });

  test('the overlap never lasts beyond the end of the old token', async () => {
    const { at, classic, probe } = await openSimulator();
    const old = await classic();
    at(7100);
    await classic();
    at(7199);
    expect(await probe(old.access_token)).toBe(0);
    at(7200);
    expect(await probe(old.access_token)).toBe(42001);
  });

  test('another client rotates it unseen', async () => {
    const { at, classic, probe, simulator } = await openSimulator();
    const ours = await classic();
    const theirs = simulator.rotate(DEMO_ACCOUNT.appId);
    expect(simulator.currentToken(DEMO_ACCOUNT.appId, 'classic')).toBe(theirs);
    at(299);
    expect(simulator.isTokenValid(ours.access_token ?? '')).toBe(true);
    at(301);
    expect(simulator.isTokenValid(ours.access_token ?? '')).toBe(false);
    expect(await probe(ours.access_token)).toBe(40001);
  });

  test('the lifetime may change: for what is issued from then on', async () => {
    const { at, classic, probe, simulator } = await openSimulator();
    const long = await classic();
    simulator.setLifetime(600);
    const short = await classic();
    expect([long.expires_in, short.expires_in]).toEqual([7200, 600]);
    at(600);
    expect(await probe(short.access_token)).toBe(42001);
  });

  test('accounts do not affect each other', async () => {
    const other = { appId: 'wxother0123456789a', secret: 'other' };
    const { classic, probe } = await openSimulator({ accounts: [DEMO_ACCOUNT, other] });
    const ours = await classic();
    await classic({ appid: other.appId, secret: other.secret });
    await classic({ appid: other.appId, secret: other.secret });
    expect(await probe(ours.access_token)).toBe(0);
  });
});

describe('2,000 calls a day', () => {
  const policy = { lifetimeMs: 7_200_000, overlapMs: 300_000 };
  test('the 2,001st is refused until midnight in Beijing', () => {
    const account = createAccount(DEMO_ACCOUNT);
    const morning = Date.parse('2026-01-01T16:00:00Z');
    const lastMoment = Date.parse('2026-01-02T15:59:59.999Z');
    const nextDay = Date.parse('2026-01-02T16:00:00Z');
    for (let call = 1; call <= 2000; call += 1) grantClassicToken(account, morning, policy);
    expect(() => grantClassicToken(account, lastMoment, policy)).toThrow('reach max api daily quota limit');
    expect(grantClassicToken(account, nextDay, policy).value).toMatch(/^simclassic_/);
  });

  test('a test account has 200', async () => {
    const { at, classic } = await openSimulator({ accounts: [{ ...DEMO_ACCOUNT, dailyTokenQuota: 200 }] });
    for (let call = 1; call <= 200; call += 1) expect((await classic()).errcode).toBeUndefined();
    expect((await classic()).errcode).toBe(45009);
    at(DAY_SECONDS - 1);
    expect((await classic()).errcode).toBe(45009);
    at(DAY_SECONDS);
    expect((await classic()).errcode).toBeUndefined();
  });

  test('other clients use up the calls of the day: 45009 until midnight, and the token stays valid', async () => {
    const { at, classic, probe, simulator } = await openSimulator();
    const { access_token: token } = await classic();
    simulator.burnDailyQuota(DEMO_ACCOUNT.appId);
    expect((await classic()).errcode).toBe(45009);
    expect(simulator.currentToken(DEMO_ACCOUNT.appId, 'classic')).toBe(token);
    expect(await probe(token)).toBe(0);
    at(86_399);
    expect((await classic()).errcode).toBe(45009);
    at(86_400);
    expect((await classic()).errcode).toBeUndefined();
  });

  test('a refused call costs nothing', async () => {
    const { classic } = await openSimulator({ accounts: [{ ...DEMO_ACCOUNT, dailyTokenQuota: 1 }] });
    expect((await classic({ secret: 'wrong' })).errcode).toBe(40001);
    expect((await classic()).errcode).toBeUndefined();
    expect((await classic()).errcode).toBe(45009);
  });

  test('no two tokens are alike', () => {
    const account = createAccount(DEMO_ACCOUNT);
    const values = Array.from({ length: 2000 }, () => grantClassicToken(account, MIDNIGHT, policy).value);
    expect(new Set(values).size).toBe(2000);
  });
});
