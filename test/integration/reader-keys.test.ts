import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { crm, MINUTE, START, shop, startWorld, type World } from '../../bench/harness/world.ts';
import { ReaderKeyNameTakenError, UnknownReaderKeyError } from '../../functions/aws/reader-keys.ts';
import { DEMO_ACCOUNT } from '../../local/simulator/simulator.ts';

const DAY = 24 * 60 * MINUTE;
const UNKNOWN_KEY = `wtk_${'A'.repeat(43)}`;

let world: World;
beforeEach(async () => {
  world = await startWorld({ app: { ...shop, tickets: ['jsapi'] }, others: [crm], requiresKey: true });
  await world.tick();
});
afterEach(() => world.close());

const create = async (name: string, apps: readonly string[] | 'all', expiresAt?: number) =>
  (await world.readerKeys.create({ name, apps, ...(expiresAt !== undefined && { expiresAt }) })).key;
const get = (path: string, key?: string) => world.get(path, key ? { authorization: `Bearer ${key}` } : {});
const token = async (secret: string, appid: string = DEMO_ACCOUNT.appId) => {
  const query = new URLSearchParams({ grant_type: 'client_credential', appid, secret });
  return JSON.parse((await world.get(`/cgi-bin/token?${query}`)).body);
};
const gettoken = async (corpsecret: string) => {
  const query = new URLSearchParams({ corpid: crm.corpId, corpsecret });
  return JSON.parse((await world.get(`/cgi-bin/gettoken?${query}`)).body);
};

describe('creating, listing and revoking', () => {
  test('a key is 32 random bytes, shown once', async () => {
    const [one, another] = [await create('one', ['shop']), await create('another', 'all')];
    for (const key of [one, another]) expect(key).toMatch(/^wtk_[A-Za-z0-9_-]{43}$/);
    expect(one).not.toBe(another);
  });

  test('the table holds its SHA-256, not the key', async () => {
    const key = await create('shop-web', ['shop'], START + DAY);
    const { Items = [] } = await world.table.client.send(
      new ScanCommand({ TableName: world.table.tableName }),
    );
    expect(JSON.stringify(Items)).not.toContain(key.slice(4));
    expect(Items.find(({ id }) => id?.S?.startsWith('key#'))).toEqual({
      id: { S: expect.stringMatching(/^key#[0-9a-f]{64}$/) },
      name: { S: 'shop-web' },
      apps: { SS: ['shop'] },
      createdAt: { N: '1767225600000' },
      expiresAt: { N: '1767312000000' },
    });
  });

  test('the list shows the status of every key, and no key itself', async () => {
    const key = await create('first', 'all');
    world.at(1);
    await create('second', ['crm', 'shop'], START + DAY);
    world.at(2);
    await world.readerKeys.revoke('first');
    const list = await world.readerKeys.list();
    expect(list).toEqual([
      { name: 'first', apps: 'all', createdAt: START, revokedAt: START + 2 * MINUTE },
      { name: 'second', apps: ['crm', 'shop'], createdAt: START + MINUTE, expiresAt: START + DAY },
    ]);
    expect(JSON.stringify(list)).not.toContain(key);
  });

  test('a name is taken while its key is valid, and free again afterwards', async () => {
    await create('web', 'all');
    await expect(create('web', 'all')).rejects.toThrow(ReaderKeyNameTakenError);
    await world.readerKeys.revoke('web');
    await create('web', 'all', START + MINUTE);
    world.at(1);
    await create('web', 'all');
    expect(await world.readerKeys.list()).toHaveLength(3);
  });

  test('an unknown, revoked or expired key cannot be revoked', async () => {
    await expect(world.readerKeys.revoke('none')).rejects.toThrow(UnknownReaderKeyError);
    await create('web', 'all', START + MINUTE);
    world.at(1);
    await expect(world.readerKeys.revoke('web')).rejects.toThrow("No valid reader key is named 'web'");
  });
});

describe('the native routes', () => {
  test('serve the apps in the scope of the key', async () => {
    const key = await create('web', ['shop']);
    expect(await get('/apps/shop/access-token', key)).toMatchObject({ status: 200 });
    expect(await get('/apps/shop/jsapi-ticket', key)).toMatchObject({ status: 200 });
    expect(await get('/apps/shop/jsapi-signature?url=https%3A%2F%2Fa.b%2F', key)).toMatchObject({
      status: 200,
    });
  });

  test.each<[string, string | undefined, number, string]>([
    ['a request without a key', undefined, 401, 'no-key'],
    ['a key of another deployment', UNKNOWN_KEY, 401, 'unknown-key'],
    ['a string that is not a key', 'secret', 401, 'unknown-key'],
  ])('refuse %s', async (_, key, status, code) => {
    for (const path of ['/apps/shop/access-token', '/apps/none/access-token', '/health']) {
      const response = await get(path, key);
      expect(response).toMatchObject({ status, headers: { 'cache-control': 'no-store' } });
      expect(response.headers['www-authenticate']).toMatch(/^Bearer/);
      expect(JSON.parse(response.body)).toMatchObject({ error: code });
      expect(response.body).not.toContain(UNKNOWN_KEY);
    }
  });

  test('refuse an app out of scope with 403, an unknown one with 404', async () => {
    const key = await create('crm-only', ['crm']);
    const response = await get('/apps/shop/access-token', key);
    expect(response.status).toBe(403);
    expect(JSON.parse(response.body)).toMatchObject({ error: 'out-of-scope' });
    expect((await get('/apps/none/access-token', key)).status).toBe(404);
  });

  test('refuse a key from the instant of its expiry', async () => {
    const key = await create('brief', 'all', START + 5 * MINUTE);
    world.clock.set(START + 5 * MINUTE - 1);
    expect((await get('/apps/shop/access-token', key)).status).toBe(200);
    world.clock.advance(1);
    expect(JSON.parse((await get('/apps/shop/access-token', key)).body)).toMatchObject({
      error: 'expired-key',
    });
  });

  test('show in /health only what the key may read', async () => {
    const key = await create('crm-only', ['crm']);
    const { credentials } = JSON.parse((await get('/health', key)).body);
    expect(credentials.map(({ app, credential }: Record<string, string>) => `${app}/${credential}`)).toEqual([
      'crm/access-token',
      'crm/jsapi-ticket',
      'crm/agent-config-ticket',
    ]);
  });

  test('take the key from the header only', async () => {
    const key = await create('web', 'all');
    const response = await get(`/apps/shop/access-token?key=${key}`);
    expect(response.status).toBe(401);
    const echoed = await get(`/apps/shop/access-token?${key}=1`, key);
    expect(echoed.status).toBe(400);
    expect(echoed.body).toContain("'wtk_…' is not a parameter");
    expect((await get(`/apps/${key}/access-token`, key)).body).not.toContain(key);
  });
});

describe('a revoked key', () => {
  test('is refused within a minute, for which time keys are cached', async () => {
    const key = await create('web', 'all');
    expect((await get('/apps/shop/access-token', key)).status).toBe(200);
    await world.readerKeys.revoke('web');
    world.clock.advance(59_999);
    expect((await get('/apps/shop/access-token', key)).status).toBe(200);
    world.clock.advance(1);
    const refused = await get('/apps/shop/access-token', key);
    expect(refused.status).toBe(401);
    expect(JSON.parse(refused.body)).toMatchObject({ error: 'revoked-key' });
    expect(await token(key)).toMatchObject({ errcode: 40001 });
  });
});

describe('the compatible routes', () => {
  test('take the key in place of the AppSecret', async () => {
    const key = await create('web', ['shop']);
    const current = world.simulator.currentToken(shop.appId, 'classic');
    expect(await token(key)).toEqual({ access_token: current, expires_in: 6300 });
  });

  test.each([
    ['a key of another deployment', async () => UNKNOWN_KEY],
    ['the AppSecret', async () => DEMO_ACCOUNT.secret],
    ['a key for another app', () => create('crm-only', ['crm'])],
    ['an expired key', () => create('late', 'all', START - 1)],
  ])('answer 40001 to %s', async (_, secret) => {
    const sent = await secret();
    const refused = await token(sent);
    expect(refused).toEqual({ errcode: 40001, errmsg: expect.stringMatching(/^invalid credential/) });
    expect(refused.errmsg).not.toContain(sent);
  });

  test("serve the one app of a corp that is in the key's scope, with an agent or without", async () => {
    await world.close();
    const hr = { ...crm, name: 'hr', agentId: 1_000_003 };
    const contacts = { name: 'contacts', kind: 'wecom', corpId: crm.corpId, tickets: [] } as const;
    world = await startWorld({ others: [crm, hr, contacts], requiresKey: true });
    world.simulator.addWecomApp({ corpId: crm.corpId, agentId: hr.agentId, secret: 'the-secret-of-hr' });
    world.parameters.put('/wechat/secrets/hr/app-secret', 'the-secret-of-hr');
    // WeCom has no agent for this secret; the simulator keeps it under a number all the same.
    world.simulator.addWecomApp({ corpId: crm.corpId, agentId: 1, secret: 'the-secret-of-contacts' });
    world.parameters.put('/wechat/secrets/contacts/app-secret', 'the-secret-of-contacts');
    await world.tick();
    expect(await gettoken(await create('hr', ['hr']))).toEqual({
      errcode: 0,
      errmsg: 'ok',
      access_token: world.simulator.currentWecomToken(crm.corpId, hr.agentId),
      expires_in: 7200,
    });
    expect(await gettoken(await create('crm', ['crm']))).toMatchObject({
      access_token: world.simulator.currentWecomToken(crm.corpId, crm.agentId),
    });
    expect(await gettoken(await create('contacts', ['contacts']))).toMatchObject({
      access_token: world.simulator.currentWecomToken(crm.corpId, 1),
    });
    expect(await gettoken(await create('two', ['contacts', 'hr']))).toMatchObject({ errcode: 40001 });
    expect(await gettoken(await create('both', ['crm', 'hr']))).toEqual({
      errcode: 40001,
      errmsg: expect.stringContaining('several apps of this corp are in scope (crm, hr'),
    });
    expect(await gettoken(await create('shop', ['shop']))).toMatchObject({ errcode: 40001 });
  });
});
