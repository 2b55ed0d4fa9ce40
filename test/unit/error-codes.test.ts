import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { App } from '../../functions/core/credential.ts';
import {
  type CalledWith,
  type ErrorCodeInfo,
  type ErrorCodeTable,
  toSourceError,
} from '../../functions/wechat/error-codes.ts';
import { officialErrorCodes } from '../../functions/wechat/official-error-codes.ts';
import { wecomErrorCodes } from '../../functions/wechat/wecom-error-codes.ts';
import { contacts, crm, mini, phone, shop } from '../support/apps.ts';

const SECRET = '0123456789abcdef0123456789abcdef';
const ONCE = { mayHaveRotated: false, upstreamCalls: 1 };

function refused(app: App, errcode: number, errmsg: string, calledWith: CalledWith) {
  const query = calledWith === 'secret' ? { secret: SECRET } : { access_token: SECRET };
  const table = app.kind === 'wecom' ? wecomErrorCodes : officialErrorCodes;
  return toSourceError({ app, calledWith, query }, { errcode, errmsg }, ONCE, table);
}
const official = (errcode: number, errmsg = 'whatever rid: 1-2-3', calledWith: CalledWith = 'secret') =>
  refused(shop, errcode, errmsg, calledWith);
const wecom = (errcode: number, errmsg = 'whatever', calledWith: CalledWith = 'secret') =>
  refused(crm, errcode, errmsg, calledWith);

describe('the tables are those of docs/wechat.md', () => {
  type Entry = { readonly kind: string; readonly sources: readonly string[] };
  const doc = readFileSync(new URL('../../docs/wechat.md', import.meta.url), 'utf8');
  const pages = new Map([...doc.matchAll(/^\[([^\]]+)\]: (\S+)/gm)].map(([, name, url]) => [name, url]));
  const [, section = ''] = doc.split('\n## Error codes\n');
  const [, forOfficial = '', forWecom = ''] =
    /Official accounts, [^\n]*:\n([\s\S]*?)\nWeCom:\n([\s\S]*?)\n## /.exec(section) ?? [];

  /** Every code of a table of the page, by `<code>` or `<code> <calledWith>`. */
  function documented(markdown: string): Map<string, Entry> {
    const entries = new Map<string, Entry>();
    for (const [, codes = '', kind = '', source = ''] of markdown.matchAll(
      /^\| (-?\d[^|]*) \| [^|]+ \| (\w+) \| [^|]+ \| ([^|]+) \|$/gm,
    )) {
      const calledWith = / call with a (secret|token)$/.exec(codes)?.[1];
      const sources = source.startsWith('users')
        ? ['users']
        : [...source.matchAll(/\[([^\]]+)\]/g)].map(([, name]) => pages.get(name) ?? `no page [${name}]`);
      for (const [code] of codes.replace(/,? call with.*/, '').matchAll(/-?\d+/g)) {
        entries.set([code, calledWith].filter(Boolean).join(' '), { kind, sources });
      }
    }
    return entries;
  }

  function inCode({ byCode, ofTokenCalls }: ErrorCodeTable): Map<string, ErrorCodeInfo> {
    const both = (code: string) => code in byCode && code in ofTokenCalls;
    return new Map([
      ...Object.entries(byCode).map(([code, info]) => [both(code) ? `${code} secret` : code, info] as const),
      ...Object.entries(ofTokenCalls).map(
        ([code, info]) => [both(code) ? `${code} token` : code, info] as const,
      ),
    ]);
  }

  test.each([
    ['of official accounts, mini programs and the open platform', forOfficial, officialErrorCodes, 40],
    ['of WeCom', forWecom, wecomErrorCodes, 14],
  ] as const)('%s', (_name, markdown, table, atLeast) => {
    const documentedCodes = documented(markdown);
    const codes = inCode(table);
    expect(documentedCodes.size).toBeGreaterThan(atLeast);
    expect([...codes.keys()].sort()).toEqual([...documentedCodes.keys()].sort());
    for (const [code, { kind, source }] of codes) {
      expect({ code, kind }).toEqual({ code, kind: documentedCodes.get(code)?.kind });
      expect(documentedCodes.get(code)?.sources, `${code} has its source`).toContain(source);
    }
  });
});

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
    [45011, 'transient', undefined],
    [45035, 'configuration', undefined],
    [48017, 'configuration', undefined],
    [50001, 'configuration', undefined],
    [50004, 'configuration', undefined],
    [50007, 'configuration', undefined],
    [61004, 'configuration', undefined],
    [89501, 'configuration', undefined],
    [89503, 'configuration', undefined],
    [89506, 'configuration', undefined],
    [89507, 'configuration', undefined],
    // What only a call with a token can say is no reason to suspect one here.
    [42001, 'transient', undefined],
  ] as const)('%i is %s', (errcode, kind, rejectedCredential) => {
    const error = official(errcode);
    expect(error).toMatchObject({ code: String(errcode), kind, rejectedCredential, ...ONCE });
    expect(error).toMatchObject({ isUnknownCode: false, rid: '1-2-3' });
    // What happened, to which app, what to do next, and what WeChat said about it.
    expect(error.message).toMatch(
      /^WeChat refused app 'shop' \(wx1\) with -?\d+: .+\. .+\. WeChat's words: "whatever"\.$/,
    );
  });

  test('a refusal after an answer that was lost keeps both', () => {
    const call = { app: shop, calledWith: 'secret' } as const;
    const facts = { mayHaveRotated: true, upstreamCalls: 3 };
    const response = { errcode: 40164, errmsg: '' };
    expect(toSourceError(call, response, facts, officialErrorCodes)).toMatchObject(facts);
  });
});

test.each([40001, 40014, 42001])('%i of a call made with the access token is about that token', (errcode) => {
  for (const error of [official(errcode, '', 'access-token'), wecom(errcode, '', 'access-token')]) {
    expect(error).toMatchObject({ kind: 'transient', rejectedCredential: 'access-token' });
  }
});

test('F8: -1000 of a ticket makes the access token suspect', () => {
  const error = official(-1000, 'system error', 'access-token');
  expect(error).toMatchObject({ code: '-1000', kind: 'transient', rejectedCredential: 'access-token' });
  // It is not known with a secret, or of WeCom.
  expect(official(-1000)).toMatchObject({ rejectedCredential: undefined, isUnknownCode: true });
  expect(wecom(-1000, '', 'access-token')).toMatchObject({ rejectedCredential: undefined });
});

describe('the remedy names the console of the app', () => {
  test.each<[App, number, string]>([
    [shop, 40001, 'developers.weixin.qq.com/platform (我的业务 > 公众号/服务号 > 基础信息 > 开发信息)'],
    [
      shop,
      40164,
      'developers.weixin.qq.com/platform (我的业务 > 公众号/服务号 > 基础信息 > 开发信息): IP白名单',
    ],
    [shop, 50007, 'Unfreeze it on mp.weixin.qq.com.'],
    [mini, 40125, 'mp.weixin.qq.com (开发管理 > 开发设置)'],
    [mini, 61004, 'mp.weixin.qq.com (开发管理 > 开发设置): IP白名单'],
    [phone, 40125, 'open.weixin.qq.com (管理中心 > the app)'],
    [crm, 40001, 'work.weixin.qq.com (应用管理 > the app)'],
    [contacts, 40001, 'work.weixin.qq.com (the page of this secret)'],
    [crm, 60020, 'work.weixin.qq.com (应用管理 > the app): 企业可信IP'],
  ])('%o %i', (app, errcode, where) => {
    expect(refused(app, errcode, '', 'secret').message).toContain(where);
  });

  test('and how long a frozen secret takes', () => {
    expect(official(40243).message).toMatch(/Unfreeze it on .+, which takes effect after ten minutes/);
  });
});

describe('a refused IP is named, however it is worded', () => {
  test.each([
    [40164, 'invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 1-2-3', '203.0.113.7'],
    [40164, 'invalid ip 203.0.113.7, not in whitelist, rid: 1-2-3', '203.0.113.7'],
    [40164, 'invalid ip ipv6 2001:db8::7, not in whitelist rid: 1-2-3', '2001:db8::7'],
    [61004, 'access clientip is not registered, requestIP: 203.0.113.7', '203.0.113.7'],
    [45035, 'ip 203.0.113.7 not in whitelist', '203.0.113.7'],
  ])('%i %s', (errcode, errmsg, ip) => {
    const { message, refusedIp } = official(errcode, errmsg);
    expect(refusedIp).toBe(ip);
    expect(message).toContain(`: the IP ${ip} is not on the account's IP allow-list. Add ${ip} on`);
  });

  test.each(['', 'invalid ip 999.1.1.1'])('and when it is not there: %j', (errmsg) => {
    const { message, refusedIp } = official(40164, errmsg);
    expect(refusedIp).toBeUndefined();
    expect(message).toContain('our IP is not on');
  });

  test('but an IP in the words of another code is no refused one', () => {
    expect(official(40013, 'invalid appid, from 203.0.113.7').refusedIp).toBeUndefined();
  });

  test('60020 names the IP, and not the hint that looks like a number', () => {
    const { message, refusedIp } = wecom(
      60020,
      'not allow to access from your ip, hint: [1577341221123456789], from ip: 203.0.113.7, more info at https://open.work.weixin.qq.com/devtool/query?e=60020',
    );
    expect(refusedIp).toBe('203.0.113.7');
    expect(message).toContain("the IP 203.0.113.7 is not on the app's list of trusted IPs");
    expect(message).toContain('Add 203.0.113.7 on work.weixin.qq.com');
  });

  test('60020 of an IPv6 caller', () => {
    expect(wecom(60020, 'not allow to access from your ip, from ip: 2001:db8::7, more')).toMatchObject({
      refusedIp: '2001:db8::7',
    });
  });
});

describe("WeCom's own errcodes", () => {
  test.each([
    [-1, 'transient', undefined],
    [40001, 'configuration', 'secret'],
    [40013, 'configuration', undefined],
    [40091, 'configuration', 'secret'],
    [45009, 'transient', undefined],
    [45033, 'transient', undefined],
    [60020, 'configuration', undefined],
  ] as const)('%i is %s', (errcode, kind, rejectedCredential) => {
    const error = wecom(errcode);
    expect(error).toMatchObject({ code: String(errcode), kind, rejectedCredential, isUnknownCode: false });
    expect(error.message).toMatch(/^WeChat refused app 'crm' \(ww1\/1000002\) with -?\d+: .+\. .+\.$/);
  });

  test.each([40164, 45011, 89503])('%i of the other platform means nothing here', (errcode) => {
    expect(wecom(errcode)).toMatchObject({ kind: 'transient', isUnknownCode: true });
  });
});

describe("F7: a code that no table knows is reported with WeChat's own words", () => {
  test('and with where to look it up', () => {
    const error = official(99_999, 'api is retired since 2026-06-01, use v3 rid: 65f1a2b3-1234abcd-0a1b2c3d');
    expect(error).toMatchObject({
      code: '99999',
      kind: 'transient',
      isUnknownCode: true,
      rid: '65f1a2b3-1234abcd-0a1b2c3d',
    });
    expect(error.message).toMatch(
      /look the code up at https:\/\/developers\.weixin\.qq\.com\/\S+\. WeChat's/,
    );
    expect(error.message).toMatch(/ WeChat's words: "api is retired since 2026-06-01, use v3"\.$/);
    expect(error.message).not.toContain('Nothing to do');
    expect(wecom(99_999).message).toContain('https://developer.work.weixin.qq.com/document/path/90313');
  });

  test.each([
    ['the secret of the call', `invalid secret ${SECRET}`, 'invalid secret …'],
    ['any other key', 'try appsecret=fedcba9876543210fedcba9876543210!', 'try appsecret=…!'],
    ['a token', `old token 62_${'aB3-_'.repeat(30)} is gone`, 'old token … is gone'],
    ['line breaks and escapes', 'one\r\ntwo\u001b[31m\u2028three "four"', 'one two [31m three four'],
    ['half a character', 'broken \ud83d end', 'broken end'],
    ['more than 200 characters', '好的'.repeat(300), `${'好的'.repeat(100)}…`],
    ['an id alone', 'rid: 1-2-3', undefined],
    ['nothing', '', undefined],
  ])('without %s', (_name, errmsg, quoted) => {
    const { message } = official(99_999, errmsg);
    expect(/WeChat's words: "(.*)"\.$/s.exec(message)?.[1]).toBe(quoted);
    expect(message).not.toContain(SECRET);
  });

  test('even a short secret of the call, as it was sent or as a URL writes it', () => {
    for (const json of [{ appsecret: 'pass/word' }, { secret: 'pass/word' }]) {
      const call = { app: shop, calledWith: 'secret', json } as const;
      const response = { errcode: 99_999, errmsg: 'not pass/word, nor pass%2Fword' };
      const { message } = toSourceError(call, response, ONCE, officialErrorCodes);
      expect(message).toMatch(/WeChat's words: "not …, nor …"/);
    }
  });
});
