import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { crm, startWorld, type World } from '../../bench/harness/world.ts';
import { cleanUpApps, cleanUpStack, tablesOf } from '../../cli/commands/cleanup.ts';
import { clearQuota } from '../../cli/commands/quota.ts';
import { createReaderKey, listReaderKeys, revokeReaderKey } from '../../cli/commands/reader-key.ts';
import { rotateSecret, secretParameterOf, setSecret } from '../../cli/commands/secret.ts';
import { refresherClient } from '../../cli/refresher-client.ts';
import type { Terminal } from '../../cli/terminal.ts';
import { DEMO_ACCOUNT } from '../../local/simulator/simulator.ts';

/** What the commands do to a deployment, against real DynamoDB and SSM APIs, and WeChat over HTTP. */

const SECRET = '/wechat/secrets/shop/app-secret';
const NEW = 'new-secret-0123456789abcdef01234';
const mini = {
  name: 'mini',
  kind: 'mini-program',
  appId: DEMO_ACCOUNT.appId,
  tokenApi: 'stable',
  tickets: [],
} as const;

let world: World;
let printed: string[];
let answers: unknown[];
let terminal: Terminal;
/** Runs before the next invocation of the refresher. */
let meanwhile: () => void | Promise<void>;

beforeEach(async () => {
  world = await startWorld({ others: [mini, crm] });
  await world.tick();
  world.at(1);
  printed = [];
  answers = [];
  terminal = {
    json: false,
    print: (line) => void printed.push(line),
    note: (line) => void printed.push(line),
    answer: (value) => void answers.push(value),
    during: (_what, work) => work(),
  };
  meanwhile = () => undefined;
});
afterEach(() => world.close());

const refresher = refresherClient(async (event) => {
  await meanwhile();
  return { failed: false, payload: JSON.stringify(await world.refresher.answer(JSON.parse(event))) };
});
const parameter = () =>
  secretParameterOf(world.parameters.client, { prefix: '/wechat', app: 'shop', keyId: undefined });
const context = () => ({ refresher, parameter: parameter(), terminal });

describe('secret set', () => {
  test('writes a SecureString and has it tried at once', async () => {
    world.simulator.setSecret(DEMO_ACCOUNT.appId, NEW);
    expect(await setSecret('shop', NEW, context())).toBe(0);
    expect(world.parameters.writes.at(-1)).toEqual({ name: SECRET, value: NEW, type: 'SecureString' });
    expect(printed.join('\n')).toMatch(
      /^Wrote \/wechat\/secrets\/shop\/app-secret\.[\s\S]*shop\/access-token +fresh/,
    );
    expect(printed.join('\n')).not.toContain(NEW);
  });
});

describe('secret rotate', () => {
  const timing = { timeoutMs: 100, intervalMs: 20 };
  const rotate = (secret = NEW) => rotateSecret('shop', secret, context(), timing);

  test('keeps the new one when WeChat accepts it', async () => {
    world.simulator.setSecret(DEMO_ACCOUNT.appId, NEW);
    expect(await rotate()).toBe(0);
    expect(world.parameters.get(SECRET)).toBe(NEW);
    expect(answers).toEqual([{ app: 'shop', rotated: true }]);
    expect((await world.record())?.version).toBe(2);
  });

  // The refresher has the old one in memory, and WeChat still accepts it: that must not count as a proof of the new one.
  test('restores the old one when WeChat rejects the new one, and the token stays', async () => {
    const before = world.parameter();
    expect(await rotate()).toBe(1);
    expect(world.parameters.get(SECRET)).toBe(DEMO_ACCOUNT.secret);
    expect(answers).toEqual([{ app: 'shop', rotated: false, why: expect.stringMatching(/AppSecret/) }]);
    expect(printed.join('\n')).toMatch(/was not accepted, so the old one is back/);
    expect(printed.join('\n')).not.toContain(NEW);
    expect(world.parameter()).toBe(before);
    world.at(100);
    expect((await world.tick())[0]).toMatchObject({ outcome: 'renewed' });
  });

  test('restores the old one when the refresher cannot be asked', async () => {
    meanwhile = () => {
      throw new Error('throttled');
    };
    await expect(rotate()).rejects.toThrow('throttled');
    expect(world.parameters.get(SECRET)).toBe(DEMO_ACCOUNT.secret);
  });

  test('restores the old one when WeChat was not asked in time', async () => {
    await world.invoke({ app: 'shop', force: true });
    world.clock.advance(1_000);
    expect(await rotate()).toBe(1);
    expect(world.parameters.get(SECRET)).toBe(DEMO_ACCOUNT.secret);
    expect(answers).toEqual([{ app: 'shop', rotated: false, why: expect.stringMatching(/forced-recently/) }]);
  });

  test('waits while a forced renewal is too recent', async () => {
    await world.invoke({ app: 'shop', force: true });
    world.clock.advance(1_000);
    world.simulator.setSecret(DEMO_ACCOUNT.appId, NEW);
    meanwhile = () => world.clock.advance(20_000);
    expect(await rotate()).toBe(0);
    expect(world.parameters.get(SECRET)).toBe(NEW);
  });

  test('restores the old one on Ctrl-C', async () => {
    await world.invoke({ app: 'shop', force: true });
    world.clock.advance(1_000);
    meanwhile = () => void process.emit('SIGINT');
    expect(await rotateSecret('shop', NEW, context(), { timeoutMs: 60_000, intervalMs: 30_000 })).toBe(1);
    expect(world.parameters.get(SECRET)).toBe(DEMO_ACCOUNT.secret);
    expect(process.listenerCount('SIGINT')).toBe(0);
  });

  test('rejects the secret that the app already has, and an app that has none', async () => {
    const calls = world.simulator.calls().length;
    await expect(rotate(DEMO_ACCOUNT.secret)).rejects.toMatchObject({ exitCode: 2 });
    world.parameters.remove(SECRET);
    await expect(rotate()).rejects.toMatchObject({ message: expect.stringMatching(/secret set shop/) });
    expect(world.simulator.calls()).toHaveLength(calls);
    expect(world.parameters.get(SECRET)).toBeUndefined();
  });
});

describe('quota clear', () => {
  const CLEAR = '/cgi-bin/clear_quota/v2';
  const clear = (app = 'shop', yes = true) => clearQuota(app, { refresher, terminal, yes });
  const resets = () => world.simulator.calls().filter(({ route }) => route === CLEAR).length;
  const used = async () => {
    const { tokenCalls } = await refresher.diagnose('shop');
    return tokenCalls.wechat?.used ?? tokenCalls.problem;
  };

  test("sets WeChat's count back to 0, after it has said what that costs", async () => {
    expect(await used()).toBe(1);
    expect(await clear()).toBe(0);
    expect(await used()).toMatch(/^WeChat says 0,/);
    expect(printed).toEqual([
      expect.stringMatching(/all interfaces of wxdemo0123456789ab .* one of the ten resets .* in a month/),
      'Reset.',
    ]);
    expect(answers).toEqual([{ app: 'shop', cleared: true }]);
    expect(resets()).toBe(1);
  });

  test('sends nothing to WeChat without a confirmation', async () => {
    await expect(clear('shop', false)).rejects.toMatchObject({
      exitCode: 2,
      message: 'Nothing was reset: there is no terminal to confirm on; use --yes.',
    });
    expect(printed.join()).toContain('ten resets');
    expect(resets()).toBe(0);
  });

  test('is refused for WeCom', async () => {
    await expect(clear('crm')).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('WeCom has no reset'),
    });
    expect(resets()).toBe(0);
  });

  const refusals: [string, RegExp, () => void | Promise<void>][] = [
    [
      '48006',
      /ten resets of the quota are used up/,
      async () => {
        for (let reset = 0; reset < 10; reset++) await refresher.clearQuota('shop');
      },
    ],
    [
      '40164',
      /Add 203\.0\.113\.7 on/,
      () => world.simulator.setAllowedIps(DEMO_ACCOUNT.appId, ['198.51.100.1']),
    ],
    ['40001', /the AppSecret is wrong/, () => world.simulator.setSecret(DEMO_ACCOUNT.appId, NEW)],
    ['missing-secret', /is missing/, () => world.parameters.remove(SECRET)],
    [
      'UND_ERR_SOCKET',
      /WeChat may have reset the quota all the same: run `wechat-token-refresher doctor shop`/,
      () => world.simulator.addFault({ kind: 'outage', count: 1 }),
    ],
  ];
  test.each(refusals)('ends with 1, the cause and no secret: %s', async (code, message, arrange) => {
    await arrange();
    answers = [];
    expect(await clear()).toBe(1);
    expect(answers).toEqual([
      { app: 'shop', cleared: false, error: { code, message: expect.stringMatching(message) } },
    ]);
    expect(printed.at(-1)).toMatch(new RegExp(`^${code}: `));
    expect(printed.join() + JSON.stringify(answers)).not.toMatch(
      new RegExp(`${DEMO_ACCOUNT.secret}|${world.parameter()}|next tick tries`),
    );
  });

  test('uses the secret that was just written', async () => {
    world.simulator.setSecret(DEMO_ACCOUNT.appId, NEW);
    world.parameters.put(SECRET, NEW);
    expect(await clear()).toBe(0);
  });
});

describe('reader-key', () => {
  const keys = () => world.readerKeys;

  test('is shown once when it is created, listed without its value, and revoked by name', async () => {
    const request = { name: 'web', apps: ['shop'], expiresDays: 30 };
    expect(await createReaderKey(request, { keys: keys(), refresher, terminal })).toBe(0);
    const [key = ''] = printed;
    expect(key).toMatch(/^wtk_[\w-]{43}$/);
    printed = [];
    await listReaderKeys({ keys: keys(), terminal });
    expect(printed.join('\n')).toMatch(/^web +valid +shop /m);
    expect(printed.join('\n')).not.toContain(key);
    expect(await revokeReaderKey('web', { keys: keys(), terminal })).toBe(0);
    expect(answers.at(-1)).toEqual({ name: 'web', revoked: true });
  });

  test('of a name that is in use, or to revoke one that is unknown, is rejected', async () => {
    const request = { name: 'web', apps: undefined, expiresDays: undefined };
    await createReaderKey(request, { keys: keys(), refresher, terminal });
    await expect(createReaderKey(request, { keys: keys(), refresher, terminal })).rejects.toMatchObject({
      exitCode: 1,
    });
    await expect(revokeReaderKey('unknown', { keys: keys(), terminal })).rejects.toMatchObject({
      exitCode: 1,
    });
  });

  test('for an app that does not exist is not created', async () => {
    const request = { name: 'web', apps: ['shop', 'shpo'], expiresDays: undefined };
    await expect(createReaderKey(request, { keys: keys(), refresher, terminal })).rejects.toThrow(/shop/);
    expect(await keys().list()).toEqual([]);
  });
});

describe('cleanup', () => {
  const location = () => ({ tableName: world.table.tableName, prefix: '/wechat' });
  const context = (yes: boolean) => ({
    dynamodb: world.table.client,
    ssm: world.parameters.client,
    terminal,
    yes,
  });
  const all = new Set(['shop', 'mini', 'crm']);

  test('deletes nothing of apps that are served', async () => {
    expect(await cleanUpApps(location(), all, context(true))).toBe(0);
    expect(printed).toEqual(['There are no orphans.']);
    expect(world.parameter()).toBeDefined();
  });

  test('deletes what an app has left behind: its items, its parameters, its secret', async () => {
    await world.readerKeys.create({ name: 'web', apps: ['mini'] });
    expect(await cleanUpApps(location(), new Set(['shop', 'crm']), context(true))).toBe(0);
    expect(printed.slice(0, -1)).toEqual([
      'item       mini/access-token',
      'parameter  /wechat/tokens/mini/access-token',
      'parameter  /wechat/secrets/mini/app-secret',
    ]);
    expect(await world.record('access-token', 'mini')).toBeUndefined();
    expect(world.parameters.get('/wechat/secrets/mini/app-secret')).toBeUndefined();
    expect(world.parameter()).toBeDefined();
    expect(world.parameters.get(SECRET)).toBe(DEMO_ACCOUNT.secret);
    expect(await world.readerKeys.list()).toHaveLength(1);
  });

  test('does not delete the parameters of an app that another deployment serves by now', async () => {
    world.parameters.put('/wechat/tokens/mini/access-token', 'of-the-other-deployment');
    await cleanUpApps(location(), new Set(['shop', 'crm']), context(true));
    expect(printed[0]).toBe("Parameters of mini hold another deployment's values, and are not deleted.");
    expect(world.parameters.get('/wechat/tokens/mini/access-token')).toBe('of-the-other-deployment');
    expect(world.parameters.get('/wechat/secrets/mini/app-secret')).toBeDefined();
    expect(await world.record('access-token', 'mini')).toBeUndefined();
  });

  test('deletes nothing without a confirmation', async () => {
    await expect(cleanUpApps(location(), new Set(), context(false))).rejects.toMatchObject({
      exitCode: 2,
    });
    expect(printed).toContain('parameter  /wechat/tokens/shop/access-token');
    expect(world.parameter()).toBeDefined();
  });

  test('of a destroyed stack deletes the table, too', async () => {
    expect(await tablesOf(world.table.client, 'wechat')).toEqual([world.table.tableName]);
    expect(await tablesOf(world.table.client, 'other')).toEqual([]);
    expect(await cleanUpStack(location(), context(true))).toBe(0);
    expect(world.parameter()).toBeUndefined();
    expect(world.parameters.get(SECRET)).toBeUndefined();
    expect(await tablesOf(world.table.client, 'wechat')).toEqual([]);
  });
});
