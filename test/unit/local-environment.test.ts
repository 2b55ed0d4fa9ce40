import { describe, expect, test } from 'vitest';
import { EnvironmentError, readEnvironment } from '../../local/environment.ts';
import { DEMO_ACCOUNT } from '../../local/simulator/simulator.ts';

const appId = 'wx0123456789abcdef';
const account = { WECHAT_APPID: appId, WECHAT_SECRET: 'very-secret-value' };

test('nothing set is the demo', () => {
  expect(readEnvironment({})).toEqual({
    port: 8787,
    folder: '.local',
    wechat: undefined,
    app: {
      name: 'default',
      kind: 'official-account',
      appId: DEMO_ACCOUNT.appId,
      tokenApi: 'classic',
      tickets: ['jsapi'],
    },
  });
});

test('an account and all that goes with it', () => {
  expect(
    readEnvironment({
      ...account,
      PORT: '9000',
      LOCAL_DIR: '/tmp/x',
      WECHAT_HOSTS: 'http://127.0.0.1:1234, https://api2.weixin.qq.com',
      WECHAT_KIND: 'mini-program',
      WECHAT_TOKEN_API: 'stable',
    }),
  ).toEqual({
    port: 9000,
    folder: '/tmp/x',
    wechat: {
      secret: 'very-secret-value',
      hosts: ['http://127.0.0.1:1234', 'https://api2.weixin.qq.com'],
    },
    app: { name: 'default', kind: 'mini-program', appId, tokenApi: 'stable', tickets: [] },
  });
});

test('by default it is WeChat itself, with its disaster recovery second', () => {
  expect(readEnvironment(account).wechat?.hosts).toEqual([
    'https://api.weixin.qq.com',
    'https://api2.weixin.qq.com',
  ]);
});

test('an open-platform app, by default without its ticket', () => {
  const phone = { ...account, WECHAT_KIND: 'open-app' };
  const app = { name: 'default', kind: 'open-app', appId, tokenApi: 'classic' };
  expect(readEnvironment({ ...phone, WECHAT_TICKETS: 'sdk' }).app).toEqual({ ...app, tickets: ['sdk'] });
  expect(readEnvironment(phone).app).toEqual({ ...app, tickets: [] });
});

test('what is set to nothing is not set', () => {
  const nothing = { PORT: '', LOCAL_DIR: '', WECHAT_APPID: '', WECHAT_SECRET: '', WECHAT_HOSTS: '' };
  expect(readEnvironment(nothing)).toEqual(readEnvironment({}));
});

test('WECHAT_TICKETS may be empty', () => {
  expect(readEnvironment({ ...account, WECHAT_TICKETS: '' }).app.tickets).toEqual([]);
});

describe('a wrong variable is named', () => {
  test.each([
    [{ PORT: 'http' }, /^PORT: /],
    [{ PORT: '65536' }, /^PORT: /],
    [{ PORT: '-1' }, /^PORT: /],
    [{ PORT: '1e3' }, /^PORT: /],
    [{ WECHAT_APPID: appId }, /^WECHAT_SECRET: set WECHAT_APPID and WECHAT_SECRET together/],
    [{ WECHAT_SECRET: 'very-secret-value' }, /^WECHAT_APPID: set WECHAT_APPID and WECHAT_SECRET together/],
    [{ WECHAT_HOSTS: 'https://api.weixin.qq.com' }, /^WECHAT_HOSTS: needs WECHAT_APPID/],
    [{ ...account, WECHAT_HOSTS: 'api.weixin.qq.com' }, /^WECHAT_HOSTS: 'api.weixin.qq.com' is not a URL/],
    [
      { ...account, WECHAT_HOSTS: 'http://api.weixin.qq.com' },
      /^WECHAT_HOSTS: 'api.weixin.qq.com' needs https/,
    ],
    [{ ...account, WECHAT_HOSTS: 'https://a.b/cgi-bin' }, /^WECHAT_HOSTS: a base URL ends before/],
    [{ ...account, WECHAT_HOSTS: 'https://a.b?x' }, /^WECHAT_HOSTS: a base URL has no query/],
    [{ ...account, WECHAT_HOSTS: ',' }, /^WECHAT_HOSTS: '' is not a URL/],
    [{ ...account, WECHAT_HOSTS: 'https://u:p@a.b' }, /^WECHAT_HOSTS: a base URL holds no credentials/],
    [{ ...account, WECHAT_HOSTS: 'ftp://a.b' }, /^WECHAT_HOSTS: 'ftp:' is not https/],
    [{ ...account, WECHAT_APPID: 'wx1' }, /^WECHAT_APPID: expected the AppID from the console/],
    [{ ...account, WECHAT_APPID: 'gh_0123456789ab' }, /^WECHAT_APPID: is the account's original ID/],
    [{ ...account, WECHAT_KIND: 'wecom' }, /^WECHAT_KIND: local mode has no variables for .* kind wecom$/],
    [{ ...account, WECHAT_KIND: 'other' }, /^WECHAT_KIND: expected one of official-account, /],
    [{ ...account, WECHAT_TOKEN_API: 'new' }, /^WECHAT_TOKEN_API: /],
    [{ ...account, WECHAT_TICKETS: 'jsapi,other' }, /^WECHAT_TICKETS: /],
    [{ ...account, WECHAT_TICKETS: 'jsapi,jsapi' }, /^WECHAT_TICKETS: names a ticket twice/],
    [
      { ...account, WECHAT_KIND: 'mini-game', WECHAT_TICKETS: 'jsapi' },
      /^WECHAT_TICKETS: this kind has no tickets/,
    ],
    [{ ...account, WECHAT_TICKETS: 'sdk' }, /^WECHAT_TICKETS: expected one of jsapi, wx_card$/],
    [
      { ...account, WECHAT_KIND: 'open-app', WECHAT_TICKETS: 'jsapi' },
      /^WECHAT_TICKETS: expected one of sdk$/,
    ],
  ])('%j', (env, message) => {
    expect(() => readEnvironment(env)).toThrow(EnvironmentError);
    expect(() => readEnvironment(env)).toThrow(message);
    try {
      readEnvironment(env);
    } catch (error) {
      expect((error as Error).message).not.toContain('very-secret-value');
    }
  });

  test('each of many, a line each', () => {
    const env = {
      ...account,
      PORT: 'http',
      WECHAT_HOSTS: 'a.b',
      WECHAT_APPID: 'wx1',
      WECHAT_KIND: 'other',
      WECHAT_TOKEN_API: 'new',
      WECHAT_TICKETS: 'other',
    };
    expect(() => readEnvironment(env)).toThrow(
      /^PORT: .+\nWECHAT_HOSTS: .+\nWECHAT_KIND: .+\nWECHAT_APPID: .+\nWECHAT_TOKEN_API: .+\nWECHAT_TICKETS: .+$/,
    );
  });
});
