import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DEMO_ACCOUNT, DEMO_WECOM_APP, startSimulator } from '../../../local/simulator/simulator.ts';
import { StateFile } from '../../../local/simulator/state.ts';
import { openSimulator } from './harness.ts';

let folder: string;
let statePath: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wechat-simulator-'));
  statePath = join(folder, 'deep', 'state.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

const { appId } = DEMO_ACCOUNT;

test('restarting keeps the tokens, the tickets and what was spent of the quotas', async () => {
  const accounts = [{ ...DEMO_ACCOUNT, dailyTokenQuota: 2 }];
  const before = await openSimulator({ statePath, accounts });
  const old = await before.classic();
  const current = await before.classic();
  const stable = await before.stable({ force_refresh: true });
  const { ticket } = await before.ticket(current.access_token);
  await before.simulator.close();

  const after = await openSimulator({ statePath, accounts });
  after.at(29);
  expect(after.simulator.currentToken(appId, 'classic')).toBe(current.access_token);
  expect(await after.probe(old.access_token)).toBe(0);
  expect((await after.ticket(current.access_token)).ticket).toBe(ticket);
  expect(await after.stable({ force_refresh: true })).toEqual({ ...stable, expires_in: 7171 });
  expect((await after.classic()).errcode).toBe(45009);
  after.at(301);
  expect(await after.probe(old.access_token)).toBe(40001);
});

test('restarting keeps what the operator changed, and adds new accounts', async () => {
  const before = await startSimulator({ statePath });
  before.setSecret(appId, 'changed');
  before.setState(appId, 40243);
  before.setAllowedIps(appId, ['203.0.113.7']);
  const rogue = before.rotate(appId);
  await before.close();

  const other = { appId: 'wxother0123456789a', secret: 'other' };
  const { classic, simulator } = await openSimulator({ statePath, accounts: [DEMO_ACCOUNT, other] });
  expect(simulator.appIds()).toEqual([appId, other.appId]);
  expect(simulator.currentToken(appId, 'classic')).toBe(rogue);
  expect((await classic()).errcode).toBe(40001);
  expect((await classic({ secret: 'changed' })).errcode).toBe(40243);
});

test('restarting keeps kind, counts and what WeChat refuses', async () => {
  const phone = {
    appId: 'wxphone0123456789a',
    secret: 'phone',
    kind: 'open-app',
    count: { errcode: 76022 },
  } as const;
  const before = await openSimulator({ statePath, accounts: [DEMO_ACCOUNT, phone] });
  const { access_token: classic } = await before.classic();
  const { access_token: stable = '' } = await before.stable();
  before.simulator.setCount(appId, { lagMs: 1000 });
  before.simulator.refuseTickets(appId);
  before.simulator.invalidate(appId, { api: 'stable', stillGranted: true });
  await before.simulator.close();

  const after = await openSimulator({ statePath, accounts: [] });
  expect(await after.probe(stable)).toBe(40001);
  expect((await after.stable()).access_token).toBe(stable);
  expect((await after.ticket(classic)).errcode).toBe(-1000);
  expect((await after.count(classic)).quota?.used).toBe(0);
  after.at(1);
  expect((await after.count(classic)).quota?.used).toBe(1);
  const ofPhone = await after.stable({ appid: phone.appId, secret: phone.secret });
  expect((await after.ticket(ofPhone.access_token, '2')).errcode).toBe(0);
  expect((await after.count(ofPhone.access_token)).errcode).toBe(76022);
});

test('restarting keeps WeCom’s tokens and tickets, and what the operator changed', async () => {
  const { corpId, agentId } = DEMO_WECOM_APP;
  const other = { corpId, agentId: 1000003, secret: 'other' };
  const contacts = { corpId, name: 'contacts', secret: 'of contacts' };
  const before = await openSimulator({ statePath, wecomApps: [DEMO_WECOM_APP, other, contacts] });
  const { access_token: invalidated = '' } = await before.wecom();
  before.simulator.invalidateWecomToken(corpId, agentId);
  const { access_token: token = '' } = await before.wecom();
  const { ticket: jsapi } = await before.wecomTicket('jsapi', token);
  const { ticket: agentConfig } = await before.wecomTicket('agent_config', token);
  before.simulator.setWecomSecret(corpId, agentId, 'changed');
  before.simulator.setTrustedIps(corpId, other.agentId, ['198.51.100.1']);
  await before.simulator.close();

  const added = { corpId: 'wwother0123456789a', agentId: 1000002, secret: 'added' };
  const after = await openSimulator({ statePath, wecomApps: [DEMO_WECOM_APP, contacts, added] });
  after.at(60);
  expect(after.simulator.wecomApps()).toEqual([
    { corpId, agentId: 1000002 },
    { corpId, agentId: 1000003 },
    { corpId, name: 'contacts' },
    { corpId: 'wwother0123456789a', agentId: 1000002 },
  ]);
  expect((await after.wecom()).errcode).toBe(40001);
  expect(await after.wecom({ corpsecret: 'changed' })).toMatchObject({
    access_token: token,
    expires_in: 7140,
  });
  expect((await after.wecom({ corpsecret: 'other' })).errcode).toBe(60020);
  expect(await after.probe(invalidated)).toBe(40014);
  expect((await after.wecomTicket('jsapi', token)).ticket).toBe(jsapi);
  expect((await after.wecomTicket('agent_config', token)).ticket).toBe(agentConfig);
});

test('restarting keeps a corp blocked', async () => {
  const { corpId, agentId } = DEMO_WECOM_APP;
  const before = await openSimulator({ statePath });
  await before.simulator.close();
  const file = new StateFile(statePath);
  const state = file.read();
  for (const corp of state.corps) corp.blockedUntil = Date.parse('2026-01-02T01:00:00+08:00');
  file.write(state);
  const after = await openSimulator({ statePath });
  after.at(3599);
  expect((await after.wecom()).errcode).toBe(45009);
  after.at(3600);
  expect((await after.wecom()).access_token).toBe(after.simulator.currentWecomToken(corpId, agentId));
});

test('a file of a simulator that did not know WeCom is read, and gets the WeCom apps', async () => {
  const path = join(folder, 'state.json');
  writeFileSync(path, '{"accounts":[]}');
  const { wecom, simulator } = await openSimulator({ statePath: path, accounts: [] });
  expect(simulator.appIds()).toEqual([]);
  expect((await wecom()).errcode).toBe(0);
});

test('a token whose answer was lost is kept too', async () => {
  const before = await openSimulator({ statePath });
  before.simulator.addFault({ kind: 'drop-after' });
  await expect(before.classic()).rejects.toThrow('fetch failed');
  const lost = before.simulator.currentToken(appId, 'classic');
  const after = await openSimulator({ statePath });
  expect(after.simulator.currentToken(appId, 'classic')).toBe(lost);
});

test('the file is the owner’s alone, and the only one', async () => {
  mkdirSync(join(folder, 'deep'));
  writeFileSync(`${statePath}.tmp`, 'left behind by a crash', { mode: 0o644 });
  await openSimulator({ statePath });
  expect(statSync(statePath).mode & 0o777).toBe(0o600);
  const { classic } = await openSimulator({ statePath });
  await classic();
  expect(statSync(statePath).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(folder, 'deep'))).toEqual(['state.json']);
});

test.each(['', '{}', 'not json', '{"accounts":[{"appId":"wx"}]}'])('%j is no state file', async (text) => {
  const path = join(folder, 'state.json');
  writeFileSync(path, text);
  await expect(startSimulator({ statePath: path })).rejects.toThrow(
    `${path} is not a simulator's state file. Delete it to start afresh.`,
  );
});

test('without a path, every start is a new one', async () => {
  const before = await openSimulator();
  const { access_token } = await before.classic();
  const after = await openSimulator();
  expect(await after.probe(access_token)).toBe(40014);
});
