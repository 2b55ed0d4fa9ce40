import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { crm, startWorld, type World } from '../../bench/harness/world.ts';

/** 企业微信: a token and tickets that are sticky to their very end. */

let world: World;
beforeEach(async () => {
  world = await startWorld({ others: [crm] });
});
afterEach(() => world.close());

const results = async () => (await world.tick()).filter(({ app }) => app === 'crm');
const forced = async (event: object) => world.invoke({ app: 'crm', force: true, ...event });

test('the first tick fetches the token with the Secret, and both tickets with the token', async () => {
  expect(await results()).toMatchObject([
    { credential: 'access-token', outcome: 'renewed', expiresAt: 1_767_232_800_000 },
    { credential: 'jsapi-ticket', outcome: 'renewed' },
    { credential: 'agent-config-ticket', outcome: 'renewed' },
  ]);
  const { corpId, agentId } = crm;
  expect(world.parameter('access-token', 'crm')).toBe(world.simulator.currentWecomToken(corpId, agentId));
  for (const type of ['jsapi', 'agent_config'] as const) {
    const name = type === 'jsapi' ? 'jsapi-ticket' : 'agent-config-ticket';
    const ticket = world.simulator.currentWecomTicket(corpId, agentId, type);
    expect(world.parameter(name, 'crm')).toBe(ticket);
    expect(JSON.parse((await world.get(`/apps/crm/${name}`)).body).ticket).toBe(ticket);
  }
  const signature = JSON.parse((await world.get('/apps/crm/jsapi-signature?url=https%3A%2F%2Fa.b%2F')).body);
  expect(signature.appId).toBe(corpId);
});

test('the tick before the end stays for it: token and tickets are new a second after they ended', async () => {
  await world.tick();
  const first = world.parameter('access-token', 'crm');
  // The end is at minute 120; the last tick before it comes at second 20.
  world.clock.set(1_767_232_760_000);
  expect(await results()).toMatchObject([
    { credential: 'access-token', outcome: 'renewed', reason: 'expired', version: 2 },
    { credential: 'jsapi-ticket', outcome: 'renewed', version: 2 },
    { credential: 'agent-config-ticket', outcome: 'renewed', version: 2 },
  ]);
  expect(world.clock.now()).toBe(1_767_232_801_000);
  expect(world.parameter('access-token', 'crm')).not.toBe(first);
  expect(world.simulator.calls('/cgi-bin/gettoken')).toHaveLength(2);
  expect((await world.record('access-token', 'crm'))?.current).toMatchObject({ issuedAt: 1_767_232_801_000 });
});

test('a ticket that is missing when its token has just ended comes with the new token, not a tick later', async () => {
  await world.tick();
  const id = { id: { S: 'crm/jsapi-ticket' } };
  await world.table.client.send(new DeleteItemCommand({ TableName: world.table.tableName, Key: id }));
  world.at(120);
  expect(await results()).toMatchObject([
    { credential: 'access-token', outcome: 'renewed' },
    { credential: 'jsapi-ticket', outcome: 'renewed', reason: 'no-value' },
    { credential: 'agent-config-ticket', outcome: 'renewed' },
  ]);
  expect(world.clock.now()).toBe(1_767_232_801_000);
});

test('ends that fall apart within one tick are each met in their own second', async () => {
  await world.tick();
  // The tickets end at 02:00:00. The token is lost at minute 10, and the next one ends at 02:00:30.
  world.at(10);
  world.simulator.invalidateWecomToken(crm.corpId, crm.agentId);
  world.simulator.setLifetime(6_630);
  const { fingerprint } = (await world.record('access-token', 'crm'))?.current ?? {};
  await world.invoke({ app: 'crm', rejected: fingerprint });
  world.clock.set(1_767_232_780_000);
  await world.tick();
  const asked = (route: string) => world.simulator.calls(route).at(-1)?.at;
  expect(asked('/cgi-bin/get_jsapi_ticket')).toBe(1_767_232_801_000);
  expect(asked('/cgi-bin/ticket/get')).toBe(1_767_232_801_000);
  expect(asked('/cgi-bin/gettoken')).toBe(1_767_232_831_000);
});

test('WeCom returns the same token until its end: forcing one is no renewal', async () => {
  await world.tick();
  world.at(30);
  expect(await forced({})).toMatchObject([
    { credential: 'access-token', outcome: 'unchanged', version: 1 },
    {},
    {},
  ]);
  // Whatever it says of the seconds, the end is the one we knew.
  expect((await world.record('access-token', 'crm'))?.current?.expiresAt).toBe(1_767_232_800_000);
});

test('a shorter life than was promised is believed', async () => {
  await world.tick();
  const record = await world.record('access-token', 'crm');
  if (!record?.current) throw new Error('no value');
  const longer = { ...record.current, expiresAt: 1_767_240_000_000 };
  await world.store.swap(record, { ...record, current: longer });
  world.at(30);
  await forced({});
  expect((await world.record('access-token', 'crm'))?.current?.expiresAt).toBe(1_767_232_800_000);
});

describe('failures', () => {
  test('60020 names the IP to trust, and where', async () => {
    world.simulator.setTrustedIps(crm.corpId, crm.agentId, ['198.51.100.1']);
    expect(await results()).toMatchObject([
      {
        outcome: 'failed',
        error: {
          code: '60020',
          message:
            "WeChat refused app 'crm' (wwdemo0123456789ab/1000002) with 60020: the IP 203.0.113.7 is not on the app's " +
            'list of trusted IPs. Add 203.0.113.7 on work.weixin.qq.com (应用管理 > the app): 企业可信IP. ' +
            `WeChat's words: "not allow to access from your ip, from ip: 203.0.113.7, more info at ` +
            'https://open.work.weixin.qq.com/devtool/query?e=60020".',
        },
      },
      { outcome: 'failed', reason: 'no-access-token' },
      { outcome: 'failed', reason: 'no-access-token' },
    ]);
  });

  test('a Secret that was reset is used by the next tick', async () => {
    world.simulator.setWecomSecret(crm.corpId, crm.agentId, 'another-secret');
    expect(await results()).toMatchObject([{ error: { code: '40001' } }, {}, {}]);
    world.parameters.put('/wechat/secrets/crm/app-secret', 'another-secret');
    world.at(1);
    expect(await results()).toMatchObject([
      { outcome: 'renewed' },
      { outcome: 'renewed' },
      { outcome: 'renewed' },
    ]);
  });

  test('another agent in its place does not serve the token of the one before', async () => {
    await world.tick();
    const other = world.another({ apps: [{ ...crm, agentId: 1_000_009 }] });
    world.simulator.addWecomApp({ corpId: crm.corpId, agentId: 1_000_009, secret: 'secret-of-nine' });
    world.parameters.put('/wechat/secrets/crm/app-secret', 'secret-of-nine');
    world.at(1);
    // The refresher has the old Secret no more than the old agent: each Lambda starts anew with its deployment.
    expect((await other.run({})).results[0]).toMatchObject({ outcome: 'renewed', reason: 'app-changed' });
    expect(world.parameter('access-token', 'crm')).toBe(
      world.simulator.currentWecomToken(crm.corpId, 1_000_009),
    );
  });
});
