import { describe, expect, test } from 'vitest';
import { wechatError } from '../../functions/wechat/errors.ts';

const app = { name: 'shop', appId: 'wx1' };

describe('an errcode of a token interface', () => {
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
    [45011, 'quota', undefined],
    [50004, 'configuration', undefined],
    [50007, 'configuration', undefined],
    [89501, 'configuration', undefined],
    [89503, 'configuration', undefined],
    [89506, 'configuration', undefined],
    [89507, 'configuration', undefined],
    [99999, 'transient', undefined],
  ] as const)('%i is %s', (errcode, kind, refused) => {
    const error = wechatError(app, { errcode, errmsg: 'whatever rid: 1-2-3' }, 'secret', false);
    expect(error).toMatchObject({ code: String(errcode), kind, refused, mayHaveRotated: false });
    // What happened, to which app, and what to do next: three sentences' worth.
    expect(error.message).toMatch(/^WeChat refused app 'shop' \(wx1\) with -?\d+: .+\. .+\.$/);
  });
});

test.each([40001, 40014, 42001])('%i of a call made with the access token is about that token', (errcode) => {
  expect(wechatError(app, { errcode, errmsg: '' }, 'access-token', false)).toMatchObject({
    kind: 'transient',
    refused: undefined,
  });
});

describe('40164 names the IP, however it is worded', () => {
  test.each([
    ['invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 1-2-3', '203.0.113.7'],
    ['invalid ip 203.0.113.7, not in whitelist, rid: 1-2-3', '203.0.113.7'],
    ['invalid ip ipv6 2001:db8::7, not in whitelist rid: 1-2-3', '2001:db8::7'],
  ])('%s', (errmsg, ip) => {
    const { message } = wechatError(app, { errcode: 40164, errmsg }, 'secret', false);
    expect(message).toContain(`the IP ${ip} is not on`);
    expect(message).toContain(`Add ${ip} on mp.weixin.qq.com`);
  });

  test('and says so when it is not there', () => {
    expect(wechatError(app, { errcode: 40164, errmsg: '' }, 'secret', false).message).toContain(
      'our IP is not on',
    );
  });
});
