import { describe, expect, test } from 'vitest';
import { type CalledWith, toSourceError } from '../../functions/wechat/error-codes.ts';
import { officialErrorCodes } from '../../functions/wechat/official-error-codes.ts';
import { wecomErrorCodes } from '../../functions/wechat/wecom-error-codes.ts';
import { crm, shop } from '../support/apps.ts';

const official = (errcode: number, errmsg = 'any message rid: 1-2-3', calledWith: CalledWith = 'secret') =>
  toSourceError({ app: shop, calledWith }, { errcode, errmsg }, false, officialErrorCodes);
const wecom = (errcode: number, errmsg = 'any message', calledWith: CalledWith = 'secret') =>
  toSourceError({ app: crm, calledWith }, { errcode, errmsg }, false, wecomErrorCodes);

describe('an errcode of an official account', () => {
  test.each([
    [-1, 'transient', undefined],
    [40001, 'configuration', 'secret'],
    [40002, 'configuration', undefined],
    [40013, 'configuration', undefined],
    [40125, 'configuration', 'secret'],
    [40164, 'configuration', undefined],
    [40243, 'configuration', 'secret'],
    [41002, 'configuration', undefined],
    [41004, 'configuration', 'secret'],
    [45009, 'quota', undefined],
    [45011, 'transient', undefined],
    [50004, 'configuration', undefined],
    [50007, 'configuration', undefined],
    [89501, 'configuration', undefined],
    [89503, 'configuration', undefined],
    [89506, 'configuration', undefined],
    [89507, 'configuration', undefined],
    [99999, 'transient', undefined],
  ] as const)('%i is %s', (errcode, kind, rejectedCredential) => {
    const error = official(errcode);
    expect(error).toMatchObject({ code: String(errcode), kind, rejectedCredential, mayHaveRotated: false });
    // What happened, to which app, and what to do next.
    expect(error.message).toMatch(/^WeChat refused app 'shop' \(wx1\) with -?\d+: .+\. .+\.$/);
  });
});

test.each([40001, 40014, 42001])('%i of a call with an access token is about that token', (errcode) => {
  for (const error of [official(errcode, '', 'access-token'), wecom(errcode, '', 'access-token')]) {
    expect(error).toMatchObject({ kind: 'transient', rejectedCredential: 'access-token' });
  }
});

describe('the message of 40164 names the IP', () => {
  test.each([
    ['invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 1-2-3', '203.0.113.7'],
    ['invalid ip 203.0.113.7, not in whitelist, rid: 1-2-3', '203.0.113.7'],
    ['invalid ip ipv6 2001:db8::7, not in whitelist rid: 1-2-3', '2001:db8::7'],
  ])('of "%s"', (errmsg, ip) => {
    const { message } = official(40164, errmsg);
    expect(message).toContain(`the IP ${ip} is not on`);
    expect(message).toContain(`Add ${ip} on mp.weixin.qq.com`);
  });

  test('or says "our IP" if WeChat names none', () => {
    expect(official(40164, '').message).toContain('our IP is not on');
  });
});

describe('an errcode of WeCom', () => {
  test.each([
    [-1, 'transient', undefined],
    [40001, 'configuration', 'secret'],
    [40013, 'configuration', undefined],
    [40091, 'configuration', 'secret'],
    [45009, 'transient', undefined],
    [60020, 'configuration', undefined],
    // A code of the other platform is unknown here.
    [40164, 'transient', undefined],
  ] as const)('%i is %s', (errcode, kind, rejectedCredential) => {
    const error = wecom(errcode);
    expect(error).toMatchObject({ code: String(errcode), kind, rejectedCredential });
    expect(error.message).toMatch(/^WeChat refused app 'crm' \(ww1\/1000002\) with -?\d+: .+\. .+\.$/);
  });

  test('60020 names the IP, and not the number in the hint', () => {
    const { message } = wecom(
      60020,
      'not allow to access from your ip, hint: [1577341221123456789], from ip: 203.0.113.7, more info at https://open.work.weixin.qq.com/devtool/query?e=60020',
    );
    expect(message).toContain("the IP 203.0.113.7 is not on the app's list of trusted IPs");
    expect(message).toContain('Add 203.0.113.7 on work.weixin.qq.com');
  });

  test('60020 names an IPv6 address', () => {
    expect(wecom(60020, 'not allow to access from your ip, from ip: 2001:db8::7, more').message).toContain(
      'the IP 2001:db8::7 is not on',
    );
  });
});
