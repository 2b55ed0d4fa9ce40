import { describe, expect, test } from 'vitest';
import { WecomError } from '../../../local/simulator/error-responses.ts';
import { DEMO_WECOM_APP } from '../../../local/simulator/simulator.ts';
import { createCorp, withinCorpLimits } from '../../../local/simulator/wecom.ts';
import { MIDNIGHT, openSimulator } from './harness.ts';

const { corpId, agentId } = DEMO_WECOM_APP;
const sales = { corpId, agentId: 1000003, secret: 'sales' };

describe('gettoken returns the same token to the very end', () => {
  test.each([
    [0, 'same', 7200],
    [1.5, 'same', 7198],
    [6900.001, 'same', 299],
    [7199, 'same', 1],
    [7199.999, 'same', 0],
    [7200, 'new', 7200],
    [9000, 'new', 7200],
  ])('after %d s: %s, expires_in %d', async (seconds, expected, expiresIn) => {
    const { at, wecom } = await openSimulator();
    const first = await wecom();
    expect(first.access_token).toMatch(/^simwecom_[\w-]{128}$/);
    at(seconds);
    const second = await wecom();
    expect(second.access_token === first.access_token ? 'same' : 'new').toBe(expected);
    expect(second).toMatchObject({ errcode: 0, errmsg: 'ok', expires_in: expiresIn });
  });

  test('no overlap: at 7,200 s the old token has expired, and gets 42001', async () => {
    const { at, wecom, probe } = await openSimulator();
    const { access_token: old } = await wecom();
    at(7199);
    expect(await probe(old)).toBe(0);
    at(7200);
    expect(await probe(old)).toBe(42001);
    const { access_token: fresh } = await wecom();
    expect(await probe(old)).toBe(42001);
    expect(await probe(fresh)).toBe(0);
  });

  test('the lifetime may change', async () => {
    const { wecom, simulator } = await openSimulator();
    simulator.setLifetime(600);
    expect((await wecom()).expires_in).toBe(600);
  });
});

describe('WeCom may invalidate it early', () => {
  test('it is invalid at once with 40014, and the next call gets a new one', async () => {
    const { at, wecom, probe, simulator } = await openSimulator();
    const { access_token: old = '' } = await wecom();
    at(1000);
    simulator.invalidateWecomToken(corpId, agentId);
    expect(await probe(old)).toBe(40014);
    expect(simulator.isTokenValid(old)).toBe(false);
    expect(simulator.currentWecomToken(corpId, agentId)).toBeUndefined();

    const { access_token: fresh = '', expires_in } = await wecom();
    expect(fresh).not.toBe(old);
    expect(expires_in).toBe(7200);
    expect(simulator.currentWecomToken(corpId, agentId)).toBe(fresh);
    expect(simulator.isTokenValid(fresh)).toBe(true);
    expect(await probe(fresh)).toBe(0);
    expect(await probe(old)).toBe(40014);
    at(7200);
    expect(await probe(old)).toBe(42001);
  });

  test('an app without a token is left as it is', async () => {
    const { wecom, simulator } = await openSimulator();
    simulator.invalidateWecomToken(corpId, agentId);
    expect((await wecom()).errcode).toBe(0);
  });
});

describe('one token per app secret', () => {
  test('apps of one corp each have their own, and do not affect each other', async () => {
    const { wecom, probe, simulator } = await openSimulator({ wecomApps: [DEMO_WECOM_APP, sales] });
    const ours = await wecom();
    const theirs = await wecom({ corpsecret: 'sales' });
    expect(theirs.access_token).not.toBe(ours.access_token);
    expect(simulator.currentWecomToken(corpId, 1000002)).toBe(ours.access_token);
    expect(simulator.currentWecomToken(corpId, 1000003)).toBe(theirs.access_token);
    simulator.invalidateWecomToken(corpId, 1000002);
    expect(await probe(ours.access_token)).toBe(40014);
    expect(await probe(theirs.access_token)).toBe(0);
  });

  test('the same agent of two corps is two apps', async () => {
    const other = { corpId: 'wwother0123456789a', agentId, secret: DEMO_WECOM_APP.secret };
    const { wecom } = await openSimulator({ wecomApps: [DEMO_WECOM_APP, other] });
    const ours = await wecom();
    expect((await wecom({ corpid: other.corpId })).access_token).not.toBe(ours.access_token);
  });

  test('a new secret replaces the old one; the token stays valid', async () => {
    const { wecom, simulator } = await openSimulator();
    const { access_token } = await wecom();
    simulator.setWecomSecret(corpId, agentId, 'brand-new');
    expect((await wecom()).errcode).toBe(40001);
    expect((await wecom({ corpsecret: 'brand-new' })).access_token).toBe(access_token);
  });
});

describe('a secret without an agent', () => {
  const contacts = { corpId, name: 'contacts', secret: 'of contacts' };

  test('gets a token of its own by the same call, known by corp and name', async () => {
    const { wecom, probe, simulator } = await openSimulator({ wecomApps: [DEMO_WECOM_APP, contacts] });
    const [ours, theirs] = [await wecom(), await wecom({ corpsecret: 'of contacts' })];
    expect(theirs.access_token).not.toBe(ours.access_token);
    expect((await wecom({ corpsecret: 'of contacts' })).access_token).toBe(theirs.access_token);
    expect(simulator.currentWecomToken(corpId, 'contacts')).toBe(theirs.access_token);
    expect(await probe(theirs.access_token)).toBe(0);
    expect(simulator.wecomApps()).toEqual([
      { corpId, agentId },
      { corpId, name: 'contacts' },
    ]);
  });

  test('two of one corp, and the same name in two corps, are different apps', async () => {
    const archive = { corpId, name: 'archive', secret: 'of archive' };
    const elsewhere = { ...contacts, corpId: 'wwother0123456789a' };
    const { wecom, probe, simulator } = await openSimulator({ wecomApps: [contacts, archive, elsewhere] });
    const tokens = [
      await wecom({ corpsecret: 'of contacts' }),
      await wecom({ corpsecret: 'of archive' }),
      await wecom({ corpid: elsewhere.corpId, corpsecret: 'of contacts' }),
    ].map(({ access_token }) => access_token);
    expect(new Set(tokens).size).toBe(3);
    simulator.invalidateWecomToken(corpId, 'contacts');
    expect([await probe(tokens[0]), await probe(tokens[1]), await probe(tokens[2])]).toEqual([40014, 0, 0]);
  });

  test('with an agent, the agent counts and not the name', async () => {
    const { simulator, wecom } = await openSimulator({ wecomApps: [{ ...sales, name: 'sales' }] });
    const { access_token } = await wecom({ corpsecret: 'sales' });
    expect(simulator.currentWecomToken(corpId, sales.agentId)).toBe(access_token);
    expect(() => simulator.currentWecomToken(corpId, 'sales')).toThrow('no WeCom app sales in corp');
  });

  test('an app with neither is refused', async () => {
    const { simulator } = await openSimulator();
    expect(() => simulator.addWecomApp({ corpId, secret: 'x' })).toThrow('an agentId or a name');
  });
});

describe('authentication', () => {
  test.each([
    [{ corpid: '' }, 41002, 'corpid missing'],
    [{ corpid: '', corpsecret: '' }, 41002, 'corpid missing'],
    [{ corpid: 'wwnobody' }, 40013, 'invalid corpid'],
    [{ corpid: 'wwnobody', corpsecret: '' }, 40013, 'invalid corpid'],
    [{ corpsecret: '' }, 41004, 'corpsecret missing'],
    [{ corpsecret: 'wrong' }, 40001, 'invalid credential'],
  ])('%j gets %d', async (overrides, errcode, errmsg) => {
    const { wecom } = await openSimulator();
    const answer = await wecom(overrides);
    expect(answer).toEqual({ errcode, errmsg: expect.stringMatching(`^${errmsg}, hint: `) });
  });

  test('60020 is worded as WeCom words it', async () => {
    const { wecom, simulator } = await openSimulator();
    simulator.setTrustedIps(corpId, agentId, ['198.51.100.1']);
    expect(await wecom()).toEqual({
      errcode: 60020,
      errmsg:
        'not allow to access from your ip, hint: [1767283200000000001], from ip: 203.0.113.7, ' +
        'more info at https://open.work.weixin.qq.com/devtool/query?e=60020',
    });
    expect((await wecom()).errmsg).toContain('hint: [1767283200000000002]');
    simulator.setTrustedIps(corpId, agentId, undefined);
    expect((await wecom()).errcode).toBe(0);
  });

  test.each([
    ['203.0.113.7', undefined, 0],
    ['203.0.113.7', [], 60020],
    ['203.0.113.7', ['203.0.113.0/29'], 0],
    ['203.0.113.8', ['203.0.113.0/29'], 60020],
    ['2001:db8::7', ['2001:db8::/32'], 0],
  ])('%s against the trusted IPs %j gets %d', async (callerIp, trustedIps, errcode) => {
    const { wecom } = await openSimulator({ callerIp, wecomApps: [{ ...DEMO_WECOM_APP, trustedIps }] });
    expect((await wecom()).errcode).toBe(errcode);
  });

  test('trusted IPs are the app’s own, and checked after the secret', async () => {
    const strict = { ...sales, trustedIps: ['198.51.100.1'] };
    const { wecom } = await openSimulator({ wecomApps: [DEMO_WECOM_APP, strict] });
    expect((await wecom({ corpsecret: 'sales' })).errcode).toBe(60020);
    expect((await wecom({ corpsecret: 'wrong' })).errcode).toBe(40001);
    expect((await wecom()).errcode).toBe(0);
  });

  test('trusted IPs count for calls with the token, too', async () => {
    const { wecom, wecomTicket, probe, get, simulator } = await openSimulator({
      protectedPaths: ['/cgi-bin/message/send'],
    });
    const { access_token = '' } = await wecom();
    simulator.setTrustedIps(corpId, agentId, ['198.51.100.1']);
    expect(await probe(access_token)).toBe(60020);
    expect((await get('/cgi-bin/message/send', { access_token })).errcode).toBe(60020);
    expect((await wecomTicket('jsapi', access_token)).errcode).toBe(60020);
    expect((await wecomTicket('agent_config', access_token)).errcode).toBe(60020);
    expect(await probe('never-was-one')).toBe(40014);
    simulator.setCallerIp('198.51.100.1');
    expect(await probe(access_token)).toBe(0);
  });

  test('an entry that is not an IP is named', async () => {
    const { simulator } = await openSimulator();
    expect(() => simulator.setTrustedIps(corpId, agentId, ['example.com'])).toThrow(
      "'example.com' is neither",
    );
    const trustedIps = ['203.0.113.0/33'];
    expect(() => simulator.addWecomApp({ ...sales, trustedIps })).toThrow("'203.0.113.0/33' is neither");
  });
});

describe('limits of a corp', () => {
  const granted = () => 'granted';
  const refused = () => {
    throw new WecomError(40001);
  };
  const error = (errcode: number) => expect.objectContaining({ errcode });

  test('10,000 calls a minute, then 45009 until the next', () => {
    const corp = createCorp(corpId);
    for (let call = 1; call <= 10_000; call += 1) withinCorpLimits(corp, MIDNIGHT, granted);
    expect(() => withinCorpLimits(corp, MIDNIGHT + 59_999, granted)).toThrow('api freq out of limit');
    expect(() => withinCorpLimits(corp, MIDNIGHT + 59_999, granted)).toThrow(error(45009));
    expect(withinCorpLimits(corp, MIDNIGHT + 60_000, granted)).toBe('granted');
  });

  test('150,000 calls an hour, then 45009 until the next', () => {
    const corp = createCorp(corpId);
    for (let call = 0; call < 150_000; call += 1) {
      withinCorpLimits(corp, MIDNIGHT + Math.floor(call / 10_000) * 60_000, granted);
    }
    expect(() => withinCorpLimits(corp, MIDNIGHT + 3_599_999, granted)).toThrow(error(45009));
    expect(withinCorpLimits(corp, MIDNIGHT + 3_600_000, granted)).toBe('granted');
  });

  test('2,000 failing calls in an hour block the corp for an hour, right secret or not', () => {
    const corp = createCorp(corpId);
    const half = MIDNIGHT + 1_800_000;
    for (let call = 1; call <= 1_999; call += 1) {
      expect(() => withinCorpLimits(corp, MIDNIGHT, refused)).toThrow(error(40001));
    }
    expect(withinCorpLimits(corp, MIDNIGHT, granted)).toBe('granted');
    expect(() => withinCorpLimits(corp, half, refused)).toThrow(error(40001));
    expect(() => withinCorpLimits(corp, half, granted)).toThrow(error(45009));
    expect(() => withinCorpLimits(corp, half + 3_599_999, granted)).toThrow(error(45009));
    expect(withinCorpLimits(corp, half + 3_600_000, granted)).toBe('granted');
    expect(() => withinCorpLimits(corp, half + 3_600_000, refused)).toThrow(error(40001));
    expect(withinCorpLimits(corp, half + 3_600_000, granted)).toBe('granted');
  });

  test('failing calls of two hours do not add up', () => {
    const corp = createCorp(corpId);
    for (const at of [MIDNIGHT, MIDNIGHT + 3_600_000]) {
      for (let call = 1; call <= 1_999; call += 1) {
        expect(() => withinCorpLimits(corp, at, refused)).toThrow(error(40001));
      }
    }
    expect(withinCorpLimits(corp, MIDNIGHT + 3_600_000, granted)).toBe('granted');
  });

  test('gettoken counts what it refuses, except for an unknown corp', async () => {
    const { wecom, simulator } = await openSimulator();
    simulator.setTrustedIps(corpId, agentId, ['198.51.100.1']);
    expect((await wecom({ corpid: 'wwnobody' })).errcode).toBe(40013);
    expect((await wecom({ corpsecret: '' })).errcode).toBe(41004);
    expect((await wecom()).errcode).toBe(60020);
    for (let failure = 3; failure <= 2_000; failure += 1) {
      expect((await wecom({ corpsecret: 'wrong' })).errcode).toBe(40001);
    }
    simulator.setTrustedIps(corpId, agentId, undefined);
    expect((await wecom()).errcode).toBe(45009);
    expect((await wecom({ corpid: 'wwnobody' })).errcode).toBe(40013);
  });
});
