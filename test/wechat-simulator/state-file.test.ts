import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSimulator } from './harness.ts';
import { DEMO_ACCOUNT, startSimulator } from './simulator.ts';

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

test('restarting keeps what was done behind the routes, and adds new accounts', async () => {
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
