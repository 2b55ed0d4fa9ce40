import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { crm, startWorld, type World } from '../../bench/harness/world.ts';

/** WeCom (企业微信) returns the same token and tickets until their end: docs/wechat.md#wecom. */

let world: World;
beforeEach(async () => {
  world = await startWorld({ others: [crm] });
});
afterEach(() => world.close());

const tick = async () => (await world.tick()).filter(({ app }) => app === 'crm');
const forceRefresh = () => world.invoke({ app: 'crm', force: true });

test('the first tick fetches the token with the Secret, and both tickets with the token', async () => {
  expect(await tick()).toMatchObject([
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

test('the tick before the end waits for it: token and tickets are replaced one second after their end', async () => {
  await world.tick();
  const first = world.parameter('access-token', 'crm');
  // The end is at minute 120; this last tick before it comes 40 seconds earlier.
  world.clock.set(1_767_232_760_000);
  expect(await tick()).toMatchObject([
    { credential: 'access-token', outcome: 'renewed', reason: 'expired', version: 2 },
    { credential: 'jsapi-ticket', outcome: 'renewed', version: 2 },
    { credential: 'agent-config-ticket', outcome: 'renewed', version: 2 },
  ]);
  expect(world.clock.now()).toBe(1_767_232_801_000);
  expect(world.parameter('access-token', 'crm')).not.toBe(first);
  expect(world.simulator.calls('/cgi-bin/gettoken')).toHaveLength(2);
  expect((await world.record('access-token', 'crm'))?.current).toMatchObject({ issuedAt: 1_767_232_801_000 });
});

test('a ticket that is missing when its token has just expired is fetched in the same tick, with the new token', async () => {
  await world.tick();
  const id = { id: { S: 'crm/jsapi-ticket' } };
  await world.table.client.send(new DeleteItemCommand({ TableName: world.table.tableName, Key: id }));
  world.at(120);
  expect(await tick()).toMatchObject([
    { credential: 'access-token', outcome: 'renewed' },
    { credential: 'jsapi-ticket', outcome: 'renewed', reason: 'no-value' },
    { credential: 'agent-config-ticket', outcome: 'renewed' },
  ]);
  expect(world.clock.now()).toBe(1_767_232_801_000);
});

test('several values that end within one tick are each replaced one second after their own end', async () => {
  await world.tick();
  // The tickets end at 02:00:00. WeCom invalidates the token at minute 10, and the next one, asked for when ten
  // probes were refused 7.5 s later, ends at 02:00:37.5.
  world.at(10);
  world.simulator.invalidateWecomToken(crm.corpId, crm.agentId);
  world.simulator.setLifetime(6_630);
  const { fingerprint } = (await world.record('access-token', 'crm'))?.current ?? {};
  await world.invoke({ app: 'crm', rejected: fingerprint });
  world.clock.set(1_767_232_780_000);
  await world.tick();
  const lastCallAt = (route: string) => world.simulator.calls(route).at(-1)?.at;
  expect(lastCallAt('/cgi-bin/get_jsapi_ticket')).toBe(1_767_232_801_000);
  expect(lastCallAt('/cgi-bin/ticket/get')).toBe(1_767_232_801_000);
  expect(lastCallAt('/cgi-bin/gettoken')).toBe(1_767_232_838_500);
});

test('a forced refresh gets the same token until its end, and reports it as unchanged', async () => {
  await world.tick();
  world.at(30);
  expect(await forceRefresh()).toMatchObject([
    { credential: 'access-token', outcome: 'unchanged', version: 1 },
    {},
    {},
  ]);
  // An unchanged token keeps its end, whatever `expires_in` says.
  expect((await world.record('access-token', 'crm'))?.current?.expiresAt).toBe(1_767_232_800_000);
});

test('an end that is earlier than the one in the table is taken over', async () => {
  await world.tick();
  const record = await world.record('access-token', 'crm');
  if (!record?.current) throw new Error('no value');
  const longer = { ...record.current, expiresAt: 1_767_240_000_000 };
  await world.store.swap(record, { ...record, current: longer });
  world.at(30);
  await forceRefresh();
  expect((await world.record('access-token', 'crm'))?.current?.expiresAt).toBe(1_767_232_800_000);
});

test('a secret without an agent has a token of its own, which is not served when the app is given an agent', async () => {
  await world.close();
  const contacts = { name: 'contacts', kind: 'wecom', corpId: crm.corpId, tickets: ['jsapi'] } as const;
  world = await startWorld({ others: [crm, contacts] });
  // WeCom has no agent for this secret; the simulator keeps it under a number all the same.
  world.simulator.addWecomApp({ corpId: crm.corpId, agentId: 1, secret: 'the-secret-of-contacts' });
  world.parameters.put('/wechat/secrets/contacts/app-secret', 'the-secret-of-contacts');
  expect((await world.tick()).filter(({ app }) => app === 'contacts')).toMatchObject([
    { credential: 'access-token', outcome: 'renewed' },
    { credential: 'jsapi-ticket', outcome: 'renewed' },
  ]);
  const token = world.simulator.currentWecomToken(crm.corpId, 1);
  expect(token).toMatch(/\S/);
  expect(world.parameter('access-token', 'contacts')).toBe(token);
  expect(world.parameter('access-token', 'crm')).not.toBe(token);
  expect((await world.record('access-token', 'contacts'))?.current?.account).toBe(
    'wwdemo0123456789ab/contacts',
  );
  const changed = world.another({ apps: [{ ...contacts, agentId: 1_000_009 }] });
  world.at(1);
  expect((await changed.run({})).results[0]).toMatchObject({ reason: 'app-changed' });
});

describe('failures', () => {
  test('60020 names the IP to trust, and the page to do it on', async () => {
    world.simulator.setTrustedIps(crm.corpId, crm.agentId, ['198.51.100.1']);
    expect(await tick()).toMatchObject([
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

  test('a Secret that was reset is used by the next tick after it was written', async () => {
    world.simulator.setWecomSecret(crm.corpId, crm.agentId, 'another-secret');
    expect(await tick()).toMatchObject([{ error: { code: '40001' } }, {}, {}]);
    world.parameters.put('/wechat/secrets/crm/app-secret', 'another-secret');
    world.at(1);
    expect(await tick()).toMatchObject([
      { outcome: 'renewed' },
      { outcome: 'renewed' },
      { outcome: 'renewed' },
    ]);
  });

  test('an app that is given another agent is not served the token of the previous one', async () => {
    await world.tick();
    const other = world.another({ apps: [{ ...crm, agentId: 1_000_009 }] });
    world.simulator.addWecomApp({ corpId: crm.corpId, agentId: 1_000_009, secret: 'secret-of-nine' });
    world.parameters.put('/wechat/secrets/crm/app-secret', 'secret-of-nine');
    world.at(1);
    // With another agent comes another deployment, so a new Lambda instance: it has not cached the previous Secret.
    expect((await other.run({})).results[0]).toMatchObject({ outcome: 'renewed', reason: 'app-changed' });
    expect(world.parameter('access-token', 'crm')).toBe(
      world.simulator.currentWecomToken(crm.corpId, 1_000_009),
    );
  });
});
