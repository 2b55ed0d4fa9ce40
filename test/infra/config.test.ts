import { describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../infra/config.ts';
import { shop } from './synth.ts';

const crm = { name: 'crm', kind: 'wecom', corpId: 'ww0123456789abcdef', agentId: 1000002 };
const contacts = { name: 'contacts', kind: 'wecom', corpId: 'ww0123456789abcdef' };
const phone = { name: 'phone', kind: 'open-app', appId: 'wx5678901234abcdef' };
const KEY = 'arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef';
const proxyAt = (proxyUrlParameter: string) => ({ egress: { mode: 'proxy', proxyUrlParameter } });
const withApp = (changes: object) => ({ apps: [{ ...shop, ...changes }] });

function problems(context: Parameters<typeof loadConfig>[0], region?: string): string {
  try {
    loadConfig(context, region);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error instanceof Error ? error.message : '';
  }
  throw new Error('the configuration was accepted');
}

describe('what is accepted', () => {
  test('-c appId alone is one official account with every default', () => {
    expect(loadConfig({ appId: 'wx0123456789abcdef' })).toEqual({
      stackName: 'WechatTokenRefresher',
      deployment: {
        apps: [{ ...shop, name: 'default', tokenApi: 'classic', tickets: [] }],
        parameterPrefix: '/wechat',
        refreshAfterMinutes: 100,
        tickMinutes: 1,
        probeMinutes: 3,
        wechatHosts: ['https://api.weixin.qq.com', 'https://api2.weixin.qq.com'],
        wecomHosts: ['https://qyapi.weixin.qq.com'],
        readUrl: { auth: 'iam', cacheSeconds: 10 },
      },
      egress: { mode: 'direct' },
      frontEnd: 'function-url',
      kmsKeyArn: undefined,
      alarmEmail: undefined,
    });
  });

  test('-c appId goes with a wechat context that names no apps', () => {
    const { deployment } = loadConfig({ appId: 'wx0123456789abcdef', wechat: { tickMinutes: 2 } });
    expect(deployment).toMatchObject({ apps: [{ name: 'default' }], tickMinutes: 2 });
  });

  test('JSON on the command line is the same as an object in cdk.json', () => {
    const wechat = withApp({ tickets: ['jsapi'], tokenApi: 'stable' });
    expect(loadConfig({ wechat: JSON.stringify(wechat) })).toEqual(loadConfig({ wechat }));
  });

  test('-c stackName wins over wechat.stackName', () => {
    const wechat = { ...withApp({}), stackName: 'FromFile' };
    expect(loadConfig({ wechat }).stackName).toBe('FromFile');
    expect(loadConfig({ wechat, stackName: 'FromShell' }).stackName).toBe('FromShell');
  });

  test.each([
    ['the latest refresh for a tick of one minute', { refreshAfterMinutes: 115, tickMinutes: 1 }],
    ['the latest refresh for a tick of five minutes', { refreshAfterMinutes: 109, tickMinutes: 5 }],
    ['no probing and no cache', { probeMinutes: 0, readUrl: { cacheSeconds: 0 } }],
    ['a simulator on IPv4', { wechatHosts: ['http://127.0.0.1:8080'] }],
    ['a simulator by name', { wechatHosts: ['http://localhost:8080'] }],
    ['a simulator on IPv6', { wechatHosts: ['http://[::1]:8080'] }],
    ['a deep prefix', { parameterPrefix: '/team_a/wechat-1.0' }],
    ['an e-mail address', { alarmEmail: 'ops@example.com' }],
    ['what is the default, written out', { readUrl: { auth: 'iam' }, egress: { mode: 'direct' } }],
    ['reader keys', { readUrl: { auth: 'key' } }],
    ['a proxy', { egress: { mode: 'proxy', proxyUrlParameter: '/wechat/proxy-url' } }],
    ['a NAT gateway', { egress: { mode: 'nat-gateway' } }],
    ['another account that reads', { readerAccounts: ['000000000001'] }],
    ['a NAT instance', { egress: { mode: 'nat-instance' } }],
    ['an HTTP API where a function URL would do', { readUrl: { frontEnd: 'http-api' } }],
    ['a private WeCom', { wecomHosts: ['https://qyapi.example.com'] }],
    [
      'hosts of one app, with a path',
      withApp({ hosts: ['https://wecom.example.com/qyapi', 'http://127.0.0.1:8/x/'] }),
    ],
    ['a private WeCom below a path', { wecomHosts: ['https://wecom.example.com/qyapi'] }],
  ])('%s', (_name, changes) => {
    expect(() => loadConfig({ wechat: { ...withApp({}), ...changes } })).not.toThrow();
  });

  test('one account with both of its tokens, for WeChat keeps them apart', () => {
    const apps = [shop, { ...shop, name: 'shop-stable', tokenApi: 'stable' }];
    expect(() => loadConfig({ wechat: { apps } })).not.toThrow();
  });

  test('several agents of one corp, for each has a token of its own', () => {
    const apps = [
      { ...crm, tickets: ['jsapi', 'agent_config'] },
      { ...crm, name: 'hr', agentId: 1000003 },
    ];
    expect(loadConfig({ wechat: { apps } }).deployment.apps).toEqual([apps[0], { ...apps[1], tickets: [] }]);
  });

  test('several secrets of one corp without an agent, beside one with an agent', () => {
    const apps = [contacts, crm, { ...contacts, name: 'archive', tickets: ['jsapi'] }];
    expect(loadConfig({ wechat: { apps } }).deployment.apps).toEqual([
      { ...contacts, tickets: [] },
      { ...crm, tickets: [] },
      apps[2],
    ]);
  });

  test('an open-platform app: classic by default, with the ticket of the mobile SDK', () => {
    const apps = [
      { ...phone, tickets: ['sdk'] },
      { ...phone, name: 'shop-front', appId: 'wx5678901234abcde0', tokenApi: 'stable' },
    ];
    expect(loadConfig({ wechat: { apps } }).deployment.apps).toEqual([
      { ...apps[0], tokenApi: 'classic' },
      { ...apps[1], tickets: [] },
    ]);
  });

  test.each([
    ['official-account', shop],
    ['mini-program', { ...shop, kind: 'mini-program' }],
    ['mini-game', { ...shop, kind: 'mini-game' }],
    ['open-app', phone],
    ['wecom', contacts],
  ])('hosts of its own for an app of kind %s', (_kind, app) => {
    const hosts = ['https://wechat.example.com/relay', 'http://127.0.0.1:8080'];
    expect(loadConfig({ wechat: { apps: [{ ...app, hosts }] } }).deployment.apps[0]?.hosts).toEqual(hosts);
    expect(loadConfig({ wechat: { apps: [app] } }).deployment.apps[0]).not.toHaveProperty('hosts');
  });

  test('every ticket of an official account', () => {
    const [app] = loadConfig({ wechat: withApp({ tickets: ['jsapi', 'wx_card'] }) }).deployment.apps;
    expect(app?.tickets).toEqual(['jsapi', 'wx_card']);
  });

  test('a thousand apps', () => {
    const apps = Array.from({ length: 1000 }, (_, index) => ({
      ...shop,
      name: `app-${index}`,
      appId: `wx${index}00`,
    }));
    expect(loadConfig({ wechat: { apps } }).deployment.apps).toHaveLength(1000);
  });
});

describe('what is refused, by path', () => {
  test.each<[path: string, remedy: RegExp, wechat: object]>([
    ['wechat.apps', /at least one app/, { apps: [] }],
    ['wechat.apps[0]', /expected one of official-account/, { apps: ['wx0123456789abcdef'] }],
    ['wechat.apps[0].name', /1 to 32 of a-z, 0-9 and -/, withApp({ name: 'Shop' })],
    ['wechat.apps[0].name', /1 to 32 of a-z, 0-9 and -/, withApp({ name: undefined })],
    ['wechat.apps[0].name', /1 to 32 of a-z, 0-9 and -/, withApp({ name: '' })],
    [
      'wechat.apps[0].kind',
      /one of official-account, mini-program, mini-game, open-app, wecom$/,
      withApp({ kind: undefined }),
    ],
    ['wechat.apps[0].appId', /the AppID from the console.*like wx0123/, withApp({ appId: undefined })],
    ['wechat.apps[0].appId', /the AppID from the console.*like wx0123/, withApp({ appId: 7 })],
    ['wechat.apps[0].appId', /the AppID from the console.*like wx0123/, withApp({ appId: 'wx1' })],
    ['wechat.apps[0].appId', /the AppID from the console/, withApp({ appId: 'ww0123456789abcdef' })],
    ['wechat.apps[0].appId', /the AppID from the console/, withApp({ appId: ' wx0123456789abcdef' })],
    [
      'wechat.apps[0].appId',
      /: is the account's original ID \(原始 ID\); the AppID begins with wx/,
      withApp({ appId: 'gh_0123456789ab' }),
    ],
    ['wechat.apps[0].appId', /original ID/, { apps: [{ ...phone, appId: 'gh_0123456789ab' }] }],
    ['wechat.apps[0].tickets[0]', /expected one of sdk$/, { apps: [{ ...phone, tickets: ['jsapi'] }] }],
    ['wechat.apps[0].tickets', /twice/, { apps: [{ ...phone, tickets: ['sdk', 'sdk'] }] }],
    ['wechat.apps[0].tickets[0]', /expected one of jsapi, wx_card/, withApp({ tickets: ['sdk'] })],
    ['wechat.apps[0].corpId', /not a key/, { apps: [{ ...phone, corpId: 'ww1' }] }],
    ['wechat.apps[1].appId', /would invalidate/, { apps: [phone, { ...phone, name: 'b' }] }],
    [
      'wechat.apps[0].tickets',
      /agent_config is an agent's ticket: set agentId, or remove it/,
      { apps: [{ ...contacts, tickets: ['jsapi', 'agent_config'] }] },
    ],
    ['wechat.apps[1].name', /taken/, { apps: [contacts, contacts] }],
    ['wechat.apps[0].hosts', /a list of base URLs/, withApp({ hosts: 'https://api.weixin.qq.com' })],
    ['wechat.apps[0].hosts[1]', /needs https/, withApp({ hosts: ['https://a.b', 'http://a.b/x'] })],
    ['wechat.apps[0].hosts[0]', /not a URL/, { apps: [{ ...contacts, hosts: ['a.b/qyapi'] }] }],
    ['wechat.apps[0].hosts[0]', /no query or fragment/, withApp({ hosts: ['https://a.b/x?'] })],
    ['wechat.apps[0].hosts[0]', /no query or fragment/, withApp({ hosts: ['https://a.b/#x'] })],
    ['wechat.apps[0].hosts[0]', /ends before \/cgi-bin/, withApp({ hosts: ['https://a.b/x/cgi-bin/'] })],
    ['wechat.apps[0].tickets', /a list of tickets/, withApp({ tickets: 'jsapi' })],
    ['wechat.apps[0].tickets[0]', /expected one of jsapi/, withApp({ tickets: ['pay'] })],
    ['wechat.apps[0].colour', /not a key/, withApp({ colour: 'red' })],
    ['wechat.stackName', /expected a letter/, { stackName: 7 }],
    ['wechat.parameterPrefix', /12 levels/, { parameterPrefix: '/x'.repeat(13) }],
    ['wechat.refreshAfterMinutes', /1 to 115/, { refreshAfterMinutes: 0 }],
    ['wechat.refreshAfterMinutes', /1 to 115/, { refreshAfterMinutes: '100' }],
    ['wechat.tickMinutes', /1 to 5/, { tickMinutes: 0 }],
    ['wechat.probeMinutes', /0 to 60/, { probeMinutes: -1 }],
    ['wechat.probeMinutes', /0 to 60/, { probeMinutes: null }],
    ['wechat.wechatHosts[1]', /not a URL/, { wechatHosts: ['https://api.weixin.qq.com', 'weixin'] }],
    ['wechat.wechatHosts[0]', /is not https/, { wechatHosts: ['ftp://127.0.0.1'] }],
    ['wechat.wechatHosts[0]', /needs https/, { wechatHosts: ['http://127.0.0.1.evil.example'] }],
    ['wechat.wechatHosts[0]', /expected string/, { wechatHosts: [8080] }],
    ['wechat.readUrl', /expected object/, { readUrl: 'iam' }],
    ['wechat.readUrl.auth', /expected one of iam/, { readUrl: { auth: 'none' } }],
    ['wechat.readUrl.cacheSeconds', /0 to 60/, { readUrl: { cacheSeconds: -1 } }],
    ['wechat.egress', /expected object/, { egress: 'direct' }],
    ['wechat.egress.mode', /expected one of direct/, { egress: { mode: 'vpn' } }],
    ['wechat.readUrl.frontEnd', /expected one of function-url/, { readUrl: { frontEnd: 'rest-api' } }],
    ['wechat.kmsKeyArn', /a key's ARN, like/, { kmsKeyArn: 'alias/wechat' }],
    ['wechat.kmsKeyArn', /is a key of eu-west-1.*set AWS_REGION/, { kmsKeyArn: KEY }],
    ['wechat.readerAccounts', /list of accounts' IDs/, { readerAccounts: '123456789012' }],
    ['wechat.readerAccounts', /at least one account; remove/, { readerAccounts: [] }],
    ['wechat.readerAccounts', /twice/, { readerAccounts: ['123456789012', '123456789012'] }],
    ['wechat.readerAccounts[1]', /12 digits in quotes/, { readerAccounts: ['123456789012', 210987654321] }],
    ['wechat.readerAccounts[0]', /12 digits/, { readerAccounts: ['arn:aws:iam::123456789012:root'] }],
    ['wechat.readerAccounts[0]', /12 digits/, { readerAccounts: ['*'] }],
    [
      'wechat.egress.proxyUrlParameter',
      /only goes with mode 'proxy'/,
      { egress: { mode: 'nat-gateway', proxyUrlParameter: '/p' } },
    ],
    ['wechat.egress.proxyUrlParameter', /goes with mode 'proxy'/, { egress: { mode: 'proxy' } }],
    [
      'wechat.egress.proxyUrlParameter',
      /only goes with mode 'proxy'/,
      { egress: { proxyUrlParameter: '/p' } },
    ],
    ['wechat.egress.proxyUrlParameter', /an SSM parameter like/, proxyAt('http://user:pass@proxy:3128')],
    ['wechat.egress.proxyUrlParameter', /readers of tokens can read it/, proxyAt('/wechat/tokens/proxy')],
    ['wechat.egress.fixed', /not a key/, { egress: { fixed: true } }],
    ['wechat.alarmEmail', /e-mail/, { alarmEmail: ['ops@example.com'] }],
    ['wechat.apps[0].name', /1 to 32 of a-z, 0-9 and -/, withApp({ name: 'a'.repeat(33) })],
    ['wechat.apps[0].kind', /official-account, mini-program, mini-game/, withApp({ kind: 'service' })],
    ['wechat.apps[0].corpId', /not a key/, withApp({ corpId: 'ww1' })],
    ['wechat.apps[0].agentId', /not a key/, withApp({ agentId: 1 })],
    [
      'wechat.apps[0].corpId',
      /the CorpID from work.weixin.qq.com/,
      { apps: [{ ...crm, corpId: undefined }] },
    ],
    ['wechat.apps[0].agentId', /a whole number from 1/, { apps: [{ ...crm, agentId: '1000002' }] }],
    ['wechat.apps[0].agentId', /a whole number from 1/, { apps: [{ ...crm, agentId: 0 }] }],
    ['wechat.apps[0].tokenApi', /not a key/, { apps: [{ ...crm, tokenApi: 'stable' }] }],
    [
      'wechat.apps[0].tickets[0]',
      /expected one of jsapi, agent_config/,
      { apps: [{ ...crm, tickets: ['wx_card'] }] },
    ],
    ['wechat.apps[1].agentId', /another app's too/, { apps: [crm, { ...crm, name: 'b' }] }],
    ['wechat.apps[0].appSecret', /does not belong in the configuration/, withApp({ appSecret: 'x' })],
    ['wechat.apps[0].appId', /the AppID from the console/, withApp({ appId: 'wx0123 456789' })],
    ['wechat.apps[0].tokenApi', /classic.*stable/, withApp({ tokenApi: 'new' })],
    ['wechat.apps[0].tickets[0]', /expected one of jsapi, wx_card/, withApp({ tickets: ['agent_config'] })],
    ['wechat.apps[0].tickets', /twice/, withApp({ tickets: ['jsapi', 'jsapi'] })],
    ['wechat.apps[0].tickets', /remove/, withApp({ kind: 'mini-game', tickets: ['jsapi'] })],
    ['wechat.apps[1].name', /taken/, { apps: [shop, { ...shop, appId: 'wxother' }] }],
    ['wechat.apps[1].appId', /would invalidate the other's token/, { apps: [shop, { ...shop, name: 'b' }] }],
    ['wechat.stackName', /expected a letter/, { stackName: '1st' }],
    ['wechat.parameterPrefix', /a path like \/wechat/, { parameterPrefix: 'wechat' }],
    ['wechat.parameterPrefix', /without a slash at its end/, { parameterPrefix: '/wechat/' }],
    ['wechat.parameterPrefix', /aws or ssm/, { parameterPrefix: '/aws/wechat' }],
    ['wechat.parameterPrefix', /aws or ssm/, { parameterPrefix: '/SSM' }],
    ['wechat.parameterPrefix', /named tokens or secrets/, { parameterPrefix: '/wechat/tokens' }],
    ['wechat.refreshAfterMinutes', /115/, { refreshAfterMinutes: 116 }],
    ['wechat.refreshAfterMinutes', /no second try/, { refreshAfterMinutes: 110, tickMinutes: 5 }],
    ['wechat.tickMinutes', /5/, { tickMinutes: 6 }],
    ['wechat.tickMinutes', /a whole number from 1 to 5/, { tickMinutes: 1.5 }],
    ['wechat.tickMinutes', /a whole number from 1 to 5/, { tickMinutes: '1' }],
    ['wechat.parameterPrefix', /a path like/, { parameterPrefix: 7 }],
    ['wechat.apps', /a list of apps/, { apps: {} }],
    ['wechat.wechatHosts', /a list of base URLs/, { wechatHosts: 'https://api.weixin.qq.com' }],
    ['wechat.probeMinutes', /60/, { probeMinutes: 61 }],
    ['wechat.wechatHosts', /at least one/, { wechatHosts: [] }],
    ['wechat.wechatHosts[0]', /needs https/, { wechatHosts: ['http://api.weixin.qq.com'] }],
    ['wechat.wechatHosts[0]', /ends before/, { wechatHosts: ['https://api.weixin.qq.com/cgi-bin'] }],
    ['wechat.wechatHosts[0]', /no query/, { wechatHosts: ['https://api.weixin.qq.com/?'] }],
    ['wechat.wechatHosts[0]', /no query/, { wechatHosts: ['https://api.weixin.qq.com/#top'] }],
    ['wechat.wechatHosts[0]', /not a URL/, { wechatHosts: ['https://api.weixin.qq.com/a b'] }],
    ['wechat.apps[0].hosts', /at least one/, withApp({ hosts: [] })],
    ['wechat.apps[0].hosts[0]', /needs https/, withApp({ hosts: ['http://wecom.example.com/qyapi'] })],
    ['wechat.wechatHosts[0]', /no credentials/, { wechatHosts: ['https://u:p@api.weixin.qq.com'] }],
    ['wechat.wecomHosts', /at least one/, { wecomHosts: [] }],
    ['wechat.readUrl.cacheSeconds', /60/, { readUrl: { cacheSeconds: 61 } }],
    ['wechat.readUrl.cors', /not a key/, { readUrl: { cors: true } }],
    ['wechat.alarmEmail', /e-mail/, { alarmEmail: 'operators' }],
    ['wechat.colour', /not a key/, { colour: 'red' }],
  ])('%s %s', (path, remedy, wechat) => {
    const message = problems({ wechat: { ...withApp({}), ...wechat } });
    const [, line = '', ...more] = message.split('\n');
    expect(line.trim().startsWith(`${path}: `), message).toBe(true);
    expect(line).toMatch(remedy);
    expect(more).toEqual([]);
  });

  test('every problem is in one message', () => {
    const message = problems({ wechat: { ...withApp({ name: 'A' }), tickMinutes: 9, alarmEmail: 'x' } });
    for (const path of ['wechat.apps[0].name', 'wechat.tickMinutes', 'wechat.alarmEmail']) {
      expect(message).toContain(`${path}: `);
    }
  });

  test('an invalid shape hides neither a clash of apps nor a missing account', () => {
    const clash = problems({
      wechat: { apps: [shop, shop], tickMinutes: 'one', refreshAfterMinutes: 115, colour: 1 },
    });
    for (const path of ['apps[1].name', 'apps[1].appId', 'tickMinutes', 'colour']) {
      expect(clash).toContain(`wechat.${path}: `);
    }
    const tickets = problems({ wechat: withApp({ kind: 'mini-game', tickets: ['jsapi'], name: 7 }) });
    for (const path of ['name', 'tickets']) expect(tickets).toContain(`wechat.apps[0].${path}: `);
    const agent = problems({ wechat: { apps: [{ ...contacts, name: 7, tickets: ['agent_config'] }] } });
    for (const path of ['name', 'tickets']) expect(agent).toContain(`wechat.apps[0].${path}: `);
    const none = problems({ wechat: { tickMinutes: 9 }, stackName: '1st' });
    for (const path of ['wechat.apps', 'wechat.tickMinutes', 'stackName']) {
      expect(none).toContain(`  ${path}: `);
    }
    const both = problems({ wechat: { ...withApp({}), tickMinutes: 9 }, appId: 'wx0123456789abcdef' });
    for (const path of ['appId', 'wechat.tickMinutes']) expect(both).toContain(`  ${path}: `);
  });

  test.each([
    ['nothing at all', {}, /no account is configured.*-c appId=wx.*cdk\.json/],
    ['both ways at once', { appId: 'wx0123', wechat: withApp({}) }, /only one of these/],
    ['an appId that is none', { appId: '' }, /^ {2}appId: .*wx0123456789abcdef/m],
    ['an original ID', { appId: 'gh_0123456789ab' }, /^ {2}appId: is the account's original ID/m],
    ['broken JSON', { wechat: '{apps' }, /wechat: is not JSON; quote it/],
    ['a JSON list', { wechat: '[]' }, /wechat: expected a JSON object/],
    ['JSON null', { wechat: 'null' }, /wechat: expected a JSON object/],
    ['a list', { wechat: [] }, /wechat: expected a JSON object/],
    [
      'a stack name of the shell',
      { appId: 'wx0123', stackName: '1st' },
      /^ {2}stackName: expected a letter/m,
    ],
  ])('%s', (_name, context, expected) => {
    expect(problems(context)).toMatch(expected);
  });
});

describe('what the region decides', () => {
  test.each([
    [undefined, 'function-url'],
    ['us-east-1', 'function-url'],
    ['ap-east-1', 'function-url'],
    ['me-central-1', 'http-api'],
    ['ap-south-2', 'http-api'],
    ['ap-southeast-4', 'http-api'],
    ['ca-west-1', 'http-api'],
    ['eu-south-2', 'http-api'],
    ['eu-central-2', 'http-api'],
    ['il-central-1', 'http-api'],
    ['cn-north-1', 'http-api'],
    ['cn-northwest-1', 'http-api'],
  ])('the read URL in %s is a %s', (region, frontEnd) => {
    expect(loadConfig({ wechat: withApp({}) }, region).frontEnd).toBe(frontEnd);
  });

  test('unless the configuration decides', () => {
    const ask = (frontEnd: string) => ({ wechat: { ...withApp({}), readUrl: { frontEnd } } });
    expect(loadConfig(ask('function-url'), 'me-central-1').frontEnd).toBe('function-url');
    expect(loadConfig(ask('http-api'), 'us-east-1').frontEnd).toBe('http-api');
  });

  test('reader keys are refused in China, with the reason', () => {
    const wechat = { ...withApp({}), readUrl: { auth: 'key' } };
    expect(problems({ wechat }, 'cn-north-1')).toMatch(/^ {2}wechat\.readUrl\.auth: .*ICP licence.*'iam'/m);
    expect(loadConfig({ wechat }, 'me-central-1').frontEnd).toBe('http-api');
  });

  test('a key belongs to the region of the stack', () => {
    const wechat = { ...withApp({}), kmsKeyArn: KEY };
    expect(loadConfig({ wechat }, 'eu-west-1').kmsKeyArn).toBe(KEY);
    expect(problems({ wechat }, 'eu-west-2')).toContain(
      'is a key of eu-west-1, and the stack goes to eu-west-2',
    );
  });

  test.each([
    ['aws-cn', 'cn-north-1'],
    ['aws-us-gov', 'us-gov-west-1'],
    ['aws-eusc', 'eusc-de-east-1'],
    ['aws-iso-b', 'us-isob-east-1'],
    ['aws', 'xx-new-1'],
  ])("a key's ARN may begin with arn:%s: in %s", (partition, region) => {
    const kmsKeyArn = `arn:${partition}:kms:${region}:123456789012:key/0123`;
    expect(loadConfig({ wechat: { ...withApp({}), kmsKeyArn } }, region).kmsKeyArn).toBe(kmsKeyArn);
  });

  test('a key belongs to the partition of its region', () => {
    const kmsKeyArn = 'arn:aws:kms:cn-north-1:123456789012:key/0123';
    expect(problems({ wechat: { ...withApp({}), kmsKeyArn } }, 'cn-north-1')).toContain(
      'wechat.kmsKeyArn: begins with arn:aws:, and in cn-north-1 ARNs begin with arn:aws-cn:',
    );
  });
});
