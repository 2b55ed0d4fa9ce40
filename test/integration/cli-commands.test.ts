import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startWorld, type World } from '../../bench/harness/world.ts';
import { cleanUpApps, cleanUpStack, tablesOf } from '../../cli/commands/cleanup.ts';
import { createReaderKey, listReaderKeys, revokeReaderKey } from '../../cli/commands/reader-key.ts';
import { rotateSecret, setSecret } from '../../cli/commands/secret.ts';
import { refresherClient } from '../../cli/refresher-client.ts';
import { secretParameterOf } from '../../cli/secret-parameter.ts';
import type { Terminal } from '../../cli/terminal.ts';
import { DEMO_ACCOUNT } from '../../local/simulator/simulator.ts';

/** What the commands do to a deployment: real DynamoDB, SSM and WeChat over HTTP, and no mistake undone by luck. */

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
let spoken: string[];
let answers: unknown[];
let terminal: Terminal;
/** Runs before the next invocation of the refresher. */
let meanwhile: () => void | Promise<void>;

beforeEach(async () => {
  world = await startWorld({ others: [mini] });
  await world.tick();
  world.at(1);
  spoken = [];
  answers = [];
  terminal = {
    json: false,
    say: (line) => void spoken.push(line),
    note: (line) => void spoken.push(line),
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
const means = () => ({ refresher, parameter: parameter(), terminal });

describe('secret set', () => {
  test('writes a SecureString and has it tried at once', async () => {
    world.simulator.setSecret(DEMO_ACCOUNT.appId, NEW);
    expect(await setSecret('shop', NEW, means())).toBe(0);
    expect(world.parameters.writes.at(-1)).toEqual({ name: SECRET, value: NEW, type: 'SecureString' });
    expect(spoken.join('\n')).toMatch(
      /^Wrote \/wechat\/secrets\/shop\/app-secret\.[\s\S]*shop\/access-token +fresh/,
    );
    expect(spoken.join('\n')).not.toContain(NEW);
  });
});

describe('secret rotate', () => {
  const tries = { forMs: 100, everyMs: 20 };
  const rotate = (secret = NEW) => rotateSecret('shop', secret, means(), tries);

  test('keeps the new one when WeChat takes it', async () => {
    world.simulator.setSecret(DEMO_ACCOUNT.appId, NEW);
    expect(await rotate()).toBe(0);
    expect(world.parameters.get(SECRET)).toBe(NEW);
    expect(answers).toEqual([{ app: 'shop', rotated: true }]);
    expect((await world.record())?.version).toBe(2);
  });

  // The refresher has the old one in memory, and WeChat still takes it: that must not count as a proof of the new one.
  test('puts the old one back when WeChat refuses the new one, and the token goes on', async () => {
    const before = world.parameter();
    expect(await rotate()).toBe(1);
    expect(world.parameters.get(SECRET)).toBe(DEMO_ACCOUNT.secret);
    expect(answers).toEqual([{ app: 'shop', rotated: false, why: expect.stringMatching(/AppSecret/) }]);
    expect(spoken.join('\n')).toMatch(/was not taken, so the old one is back/);
    expect(spoken.join('\n')).not.toContain(NEW);
    expect(world.parameter()).toBe(before);
    world.at(100);
    expect((await world.tick())[0]).toMatchObject({ outcome: 'renewed' });
  });

  test('puts the old one back when the refresher cannot be asked', async () => {
    meanwhile = () => {
      throw new Error('throttled');
    };
    await expect(rotate()).rejects.toThrow('throttled');
    expect(world.parameters.get(SECRET)).toBe(DEMO_ACCOUNT.secret);
  });

  test('puts the old one back when WeChat was not asked in time', async () => {
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

  test('puts the old one back on Ctrl-C', async () => {
    await world.invoke({ app: 'shop', force: true });
    world.clock.advance(1_000);
    meanwhile = () => void process.emit('SIGINT');
    expect(await rotateSecret('shop', NEW, means(), { forMs: 60_000, everyMs: 30_000 })).toBe(1);
    expect(world.parameters.get(SECRET)).toBe(DEMO_ACCOUNT.secret);
    expect(process.listenerCount('SIGINT')).toBe(0);
  });

  test('refuses the one that is there already, and an app that has none', async () => {
    const calls = world.simulator.calls().length;
    await expect(rotate(DEMO_ACCOUNT.secret)).rejects.toMatchObject({ exitCode: 2 });
    world.parameters.remove(SECRET);
    await expect(rotate()).rejects.toMatchObject({ message: expect.stringMatching(/secret set shop/) });
    expect(world.simulator.calls()).toHaveLength(calls);
    expect(world.parameters.get(SECRET)).toBeUndefined();
  });
});

describe('reader-key', () => {
  const keys = () => world.readerKeys;

  test('is shown once when it is made, listed without, and revoked by name', async () => {
    const order = { name: 'web', apps: ['shop'], expiresDays: 30 };
    expect(await createReaderKey(order, { keys: keys(), refresher, terminal })).toBe(0);
    const [key = ''] = spoken;
    expect(key).toMatch(/^wtk_[\w-]{43}$/);
    spoken = [];
    await listReaderKeys(keys(), terminal);
    expect(spoken.join('\n')).toMatch(/^web +valid +shop /m);
    expect(spoken.join('\n')).not.toContain(key);
    expect(await revokeReaderKey('web', keys(), terminal)).toBe(0);
    expect(answers.at(-1)).toEqual({ name: 'web', revoked: true });
  });

  test('of the same name twice, or of nobody, is refused', async () => {
    const order = { name: 'web', apps: undefined, expiresDays: undefined };
    await createReaderKey(order, { keys: keys(), refresher, terminal });
    await expect(createReaderKey(order, { keys: keys(), refresher, terminal })).rejects.toMatchObject({
      exitCode: 1,
    });
    await expect(revokeReaderKey('nobody', keys(), terminal)).rejects.toMatchObject({ exitCode: 1 });
  });

  test('for an app that does not exist is not made', async () => {
    const order = { name: 'web', apps: ['shop', 'shpo'], expiresDays: undefined };
    await expect(createReaderKey(order, { keys: keys(), refresher, terminal })).rejects.toThrow(/shop/);
    expect(await keys().list()).toEqual([]);
  });
});

describe('cleanup', () => {
  const place = () => ({ tableName: world.table.tableName, prefix: '/wechat' });
  const cleaning = (yes: boolean) => ({
    dynamodb: world.table.client,
    ssm: world.parameters.client,
    terminal,
    yes,
  });
  const all = new Set(['shop', 'mini']);

  test('takes nothing from apps that are served', async () => {
    expect(await cleanUpApps({ ...place(), served: all }, cleaning(true))).toBe(0);
    expect(spoken).toEqual(['Nothing is left behind.']);
    expect(world.parameter()).toBeDefined();
  });

  test('takes what an app has left behind: its items, its parameters, its secret', async () => {
    await world.readerKeys.create({ name: 'web', apps: ['mini'] });
    expect(await cleanUpApps({ ...place(), served: new Set(['shop']) }, cleaning(true))).toBe(0);
    expect(spoken.slice(0, -1)).toEqual([
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

  test('leaves the parameters of an app that another deployment serves by now', async () => {
    world.parameters.put('/wechat/tokens/mini/access-token', 'of-the-other-deployment');
    await cleanUpApps({ ...place(), served: new Set(['shop']) }, cleaning(true));
    expect(spoken[0]).toBe("Parameters of mini hold another deployment's values, and stay.");
    expect(world.parameters.get('/wechat/tokens/mini/access-token')).toBe('of-the-other-deployment');
    expect(world.parameters.get('/wechat/secrets/mini/app-secret')).toBeDefined();
    expect(await world.record('access-token', 'mini')).toBeUndefined();
  });

  test('takes nothing unless it is told to', async () => {
    await expect(cleanUpApps({ ...place(), served: new Set() }, cleaning(false))).rejects.toMatchObject({
      exitCode: 2,
    });
    expect(spoken).toContain('parameter  /wechat/tokens/shop/access-token');
    expect(world.parameter()).toBeDefined();
  });

  test('of a destroyed stack takes the table, too', async () => {
    expect(await tablesOf(world.table.client, 'wechat')).toEqual([world.table.tableName]);
    expect(await tablesOf(world.table.client, 'other')).toEqual([]);
    expect(await cleanUpStack(place(), cleaning(true))).toBe(0);
    expect(world.parameter()).toBeUndefined();
    expect(world.parameters.get(SECRET)).toBeUndefined();
    expect(await tablesOf(world.table.client, 'wechat')).toEqual([]);
  });
});
