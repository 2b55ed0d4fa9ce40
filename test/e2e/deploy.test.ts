import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeAlarmsCommand, GetDashboardCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeLogGroupsCommand, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { PutParameterCommand } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  DEMO_ACCOUNT,
  DEMO_WECOM_APP,
  type Simulator,
  startSimulator,
} from '../../local/simulator/simulator.ts';
import { type Credentials, clientsOf, eventually, ROOT, signedFetch, wechatToken } from './aws.ts';
import { type Clients, Deployment, newUser, parameter } from './deployment.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { type Inbox, subscribe } from './inbox.ts';

/** A deployment's life as its user sees it: bootstrap, deploy, tick, read, refresh, redeploy, destroy. */

const TOKEN = '/wechat/tokens/shop/access-token';
const SECRET = '/wechat/secrets/shop/app-secret';
const VALUE = /sim(classic|stable|wecom|ticket)_[\w-]+/;

let emulator: Emulator;
let simulator: Simulator;
let outDir: string;
let stack: Deployment;
let root: Clients;
let readerKey: string;
let inbox: Inbox;

beforeAll(async () => {
  emulator = await startEmulator();
  simulator = await startSimulator();
  outDir = mkdtempSync(join(tmpdir(), 'cdk-out-'));
  stack = new Deployment(emulator, outDir);
  root = stack.root;
});
afterAll(async () => {
  await simulator?.close();
  await emulator?.stop();
  if (outDir) rmSync(outDir, { recursive: true, force: true });
});

function config(readUrl: { cacheSeconds: number; auth?: 'iam' | 'key' }) {
  const { corpId, agentId } = DEMO_WECOM_APP;
  return {
    apps: [
      { name: 'shop', kind: 'official-account', appId: DEMO_ACCOUNT.appId, tickets: ['jsapi'] },
      { name: 'crm', kind: 'wecom', corpId, agentId, tickets: ['jsapi', 'agent_config'] },
    ],
    wechatHosts: [simulator.url],
    wecomHosts: [simulator.url],
    readUrl,
    alarmEmail: 'ops@example.com',
  };
}

const item = () => stack.item('shop/access-token');
const readUrl = (path: string) => stack.readUrl(path);
const output = (name: string) => stack.output(name);
const invoke = (event: unknown, clients?: Clients) => stack.invoke(event, clients);
const runCommand = (args: readonly string[], input?: string) => wechatToken(emulator.endpoint, args, input);
const currentToken = () => simulator.currentToken(DEMO_ACCOUNT.appId, 'classic');

describe('a deployment', () => {
  test('bootstraps and deploys, with every output of the contract', async () => {
    expect(await stack.bootstrap(config({ cacheSeconds: 10 }))).toContain('bootstrapped');
    await stack.deploy(config({ cacheSeconds: 10 }));
    expect(Object.keys(stack.outputs).sort()).toEqual([
      'AlarmTopicArn',
      'AppReaderPolicyArn',
      'DashboardUrl',
      'ParameterPrefix',
      'ReadFunctionName',
      'ReadUrl',
      'ReaderPolicyArn',
      'RefreshFunctionName',
      'TableName',
    ]);
    expect(output('ParameterPrefix')).toBe('/wechat');
    inbox = await subscribe(root, output('AlarmTopicArn'));
  });

  test('is monitored: alarms that notify the topic, and a dashboard', async () => {
    const { MetricAlarms = [] } = await root.cloudwatch.send(new DescribeAlarmsCommand({ MaxRecords: 100 }));
    const names = MetricAlarms.map(({ AlarmName }) => AlarmName ?? '');
    for (const id of [
      'Expiringshopaccesstoken',
      'Expiringcrmagentconfigticket',
      'QuotaNearshop',
      'DeadLetters',
    ]) {
      expect(
        names.filter((name) => name.startsWith('WechatTokenRefresher-') && name.includes(id)),
      ).toHaveLength(1);
    }
    expect(names).toHaveLength(15);
    for (const { AlarmActions, AlarmDescription } of MetricAlarms) {
      expect(AlarmActions).toEqual([output('AlarmTopicArn')]);
      expect(AlarmDescription).toContain('/blob/main/docs/runbook.md#');
    }
    const [, DashboardName] = /dashboards\/dashboard\/(.+)$/.exec(output('DashboardUrl')) ?? [];
    const { DashboardBody } = await root.cloudwatch.send(new GetDashboardCommand({ DashboardName }));
    expect(JSON.parse(DashboardBody ?? '{}').widgets.length).toBeGreaterThan(10);
  });

  test('says what is missing until operators write the secret', async () => {
    const { answer } = await invoke({ app: 'shop' });
    expect(answer.results[0]).toMatchObject({
      outcome: 'failed',
      error: { code: 'missing-secret', message: expect.stringContaining(SECRET) },
    });
    expect((await inbox.messages()).filter((text) => text.includes(SECRET))).toHaveLength(1);
    for (const [Name, Value] of [
      [SECRET, DEMO_ACCOUNT.secret],
      ['/wechat/secrets/crm/app-secret', DEMO_WECOM_APP.secret],
    ]) {
      await root.ssm.send(new PutParameterCommand({ Name, Type: 'SecureString', Value }));
    }
  });

  test('brings a valid token into SSM by its schedule alone', async () => {
    const { value, type } = await eventually(() => parameter(root, TOKEN), 150_000);
    expect(value).toBe(currentToken());
    expect(type).toBe('SecureString');
    expect(simulator.calls('/cgi-bin/token')).toHaveLength(1);
    const record = await eventually(async () => {
      const found = await item();
      expect(found['mirroredVersion']).toEqual({ N: '1' });
      return found;
    }, 10_000);
    expect(record).toMatchObject({ value: { S: value }, version: { N: '1' }, failureCount: { N: '0' } });

    const { corpId, agentId } = DEMO_WECOM_APP;
    const ofWecom = await eventually(() => parameter(root, '/wechat/tokens/crm/access-token'), 10_000);
    expect(ofWecom.value).toBe(simulator.currentWecomToken(corpId, agentId));
    const ticket = await eventually(() => parameter(root, '/wechat/tokens/crm/agent-config-ticket'), 10_000);
    expect(ticket.value).toBe(simulator.currentWecomTicket(corpId, agentId, 'agent_config'));
  });

  test('answers a signed request and refuses any other', async () => {
    const url = readUrl('/apps/shop/access-token');
    const signed = await signedFetch(url, 'lambda', ROOT);
    expect(signed.status).toBe(200);
    expect(await signed.json()).toEqual({
      access_token: currentToken(),
      expires_in: expect.any(Number),
      expires_at: expect.stringMatching(/^\d{4}-.+Z$/),
    });
    const etag = signed.headers.get('etag') ?? '';
    expect((await signedFetch(url, 'lambda', ROOT, { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await fetch(url)).status).toBe(403);

    const page = encodeURIComponent('https://example.com/page');
    const signature = await signedFetch(readUrl(`/apps/shop/jsapi-signature?url=${page}`), 'lambda', ROOT);
    expect(await signature.json()).toMatchObject({
      appId: DEMO_ACCOUNT.appId,
      signature: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
    const health = await signedFetch(readUrl('/health'), 'lambda', ROOT);
    expect(await health.json()).toMatchObject({ status: 'ok' });
    expect((await signedFetch(url, 'lambda', ROOT, { method: 'POST', body: '{}' })).status).toBe(405);
  });

  test("serves WeChat's own routes to a caller that signs", async () => {
    const application = { grant_type: 'client_credential', appid: DEMO_ACCOUNT.appId, secret: 'none' };
    const classic = await signedFetch(
      readUrl(`/cgi-bin/token?${new URLSearchParams(application)}`),
      'lambda',
      ROOT,
    );
    expect(await classic.json()).toMatchObject({ access_token: currentToken() });
    const stable = await signedFetch(readUrl('/cgi-bin/stable_token'), 'lambda', ROOT, {
      method: 'POST',
      body: JSON.stringify({ ...application, force_refresh: true }),
    });
    expect(await stable.json()).toEqual({ access_token: currentToken(), expires_in: expect.any(Number) });
    expect(simulator.calls('/cgi-bin/stable_token')).toEqual([]);
  });

  test('lets a reader read, and nothing else', async (context) => {
    if (!emulator.enforcesIam) return context.skip('this emulator does not evaluate IAM policies');
    const reader = clientsOf(emulator.endpoint, await newUser(root, 'reader', output('ReaderPolicyArn')));
    const credentials = (await reader.ssm.config.credentials()) as Credentials;

    expect((await parameter(reader, TOKEN)).value).toBe(currentToken());
    const url = readUrl('/apps/shop/access-token');
    expect((await signedFetch(url, 'lambda', credentials)).status).toBe(200);
    expect((await signedFetch(url, 'lambda', { ...credentials, secretAccessKey: 'guessed' })).status).toBe(
      403,
    );

    await expect(parameter(reader, SECRET)).rejects.toThrow(/not authorized/);
    const overwrite = new PutParameterCommand({
      Name: TOKEN,
      Value: 'x',
      Type: 'SecureString',
      Overwrite: true,
    });
    await expect(reader.ssm.send(overwrite)).rejects.toThrow(/not authorized/);
    await expect(invoke({ app: 'shop', force: true }, reader)).rejects.toThrow(/not authorized/);
    const key = { id: { S: 'shop/access-token' } };
    const get = new GetItemCommand({ TableName: output('TableName'), Key: key });
    await expect(reader.dynamodb.send(get)).rejects.toThrow(/not authorized/);
  });

  test('rotates by force, once for any number of callers', async () => {
    const before = currentToken();
    const calls = simulator.calls('/cgi-bin/token').length;
    const force = { app: 'shop', force: true, reason: 'e2e' };
    const answers = await Promise.all(Array.from({ length: 10 }, () => invoke(force)));
    const outcomes = answers.map(({ answer }) => answer.results[0].outcome);
    expect(outcomes.filter((outcome) => outcome === 'renewed')).toHaveLength(1);
    expect(outcomes.every((outcome) => ['renewed', 'busy', 'fresh', 'too-soon'].includes(outcome))).toBe(
      true,
    );
    expect(simulator.calls('/cgi-bin/token')).toHaveLength(calls + 1);
    expect(currentToken()).not.toBe(before);
    expect((await parameter(root, TOKEN)).value).toBe(currentToken());
    expect((await invoke(force)).answer.results[0]).toMatchObject({ outcome: 'too-soon', version: 2 });
  });

  test('refuses a wrong event by the name of its field', async () => {
    const { FunctionError, answer } = await invoke({ app: 'shop', forse: true });
    expect(FunctionError).toBe('Unhandled');
    expect(answer.errorMessage).toBe('forse: not a field of this event');
  });

  test('keeps the token over a redeploy', async () => {
    const token = currentToken();
    const table = output('TableName');
    await stack.deploy(config({ cacheSeconds: 20 }));
    expect(output('TableName')).toBe(table);
    expect((await invoke({ app: 'shop' })).answer.results[0]).toMatchObject({ outcome: 'fresh', version: 2 });
    expect((await parameter(root, TOKEN)).value).toBe(token);
    const response = await signedFetch(readUrl('/apps/shop/access-token'), 'lambda', ROOT);
    expect(await response.json()).toMatchObject({ access_token: token });
    // Less the milliseconds that the read took, rounded down.
    expect(response.headers.get('cache-control')).toMatch(/^private, max-age=(19|20)$/);
  });

  test('lets readers in by a key after a change of configuration, and by nothing else', async () => {
    await stack.deploy(config({ cacheSeconds: 20, auth: 'key' }));
    const made = await runCommand(['reader-key', 'create', 'e2e', '--apps', 'shop', '--json']);
    const { key } = JSON.parse(made.stdout);
    const url = readUrl('/apps/shop/access-token');
    expect((await fetch(url)).status).toBe(401);
    const bearer = await fetch(url, { headers: { authorization: `Bearer ${key}` } });
    expect(await bearer.json()).toMatchObject({ access_token: currentToken() });

    const application = { grant_type: 'client_credential', appid: DEMO_ACCOUNT.appId };
    const ask = async (secret: string) =>
      (await fetch(readUrl(`/cgi-bin/token?${new URLSearchParams({ ...application, secret })}`))).json();
    expect(await ask(key)).toMatchObject({ access_token: currentToken() });
    expect(await ask(DEMO_ACCOUNT.secret)).toMatchObject({ errcode: 40001 });
    readerKey = key;
    expect((await runCommand(['reader-key', 'list'])).stdout).toMatch(/^e2e +valid +shop /m);
  });

  test('renews what another client rotated as soon as an app reports it, while the old token is valid, and notifies operators', async () => {
    const fingerprint = (await item())['fingerprint']?.S;
    simulator.rotate(DEMO_ACCOUNT.appId);
    const report = async () =>
      (await invoke({ app: 'shop', rejected: fingerprint })).answer.results[0]?.version;
    // WeChat still accepts the token, but counts a call that was not ours. Rotations are 30 seconds apart.
    await expect.poll(report, { timeout: 60_000, interval: 2_000 }).toBe(3);
    expect((await parameter(root, TOKEN)).value).toBe(currentToken());
    const [notice, ...more] = await inbox.messages();
    expect(notice).toContain("The access-token of app 'shop' became invalid before its time");
    expect(more).toEqual([]);
  });

  test('answers operators on the command line', async () => {
    const shown = await runCommand(['status']);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/^shop\/access-token +live +█+░* \d/m);
    const { apps } = JSON.parse((await runCommand(['status', 'crm', '--json'])).stdout);
    expect(apps.map(({ app }: { app: string }) => app)).toEqual(['crm']);

    const refreshed = await runCommand(['refresh', 'shop']);
    expect(refreshed.stdout).toMatch(/^shop\/access-token +fresh +healthy +3 /m);
    expect(refreshed.code).toBe(0);

    const found = await runCommand(['doctor']);
    expect(found.stdout).toContain('✓ identity: arn:aws:iam::000000000000:');
    expect(found.stdout).toMatch(/^✓ read URL .*: answers, and asks for a reader key$/m);
    expect(found.stdout).toMatch(/^✓ shop AppSecret: is there$/m);
    expect(found.stdout).toMatch(/^✓ shop http:\/\/127.0.0.1:\d+: is reached from the function in \d+ ms$/m);
    expect(found.stdout).toMatch(/^✓ shop token calls today: WeChat counts 4 of 2000, 3 of them ours$/m);

    const key = readUrl('/apps/shop/access-token');
    const withKey = () => fetch(key, { headers: { authorization: `Bearer ${readerKey}` } });
    expect((await withKey()).status).toBe(200);
    expect((await runCommand(['reader-key', 'revoke', 'e2e'])).code).toBe(0);
    expect((await runCommand(['reader-key', 'list'])).stdout).toMatch(/^e2e +revoked /m);
    expect(await runCommand(['cleanup'])).toMatchObject({ code: 0, stdout: 'There are no orphans.\n' });
    expect(await runCommand(['status', '--stack', 'Other'])).toMatchObject({ code: 3 });
    const unknown = await runCommand(['status', 'unknown']);
    expect(unknown).toMatchObject({
      stdout: '',
      stderr: expect.stringContaining('app: no app of this name'),
    });
    // 2 on AWS; but MiniStack replaces the name of a function's error by Runtime.HandlerError, and then it is 1.
    expect([1, 2]).toContain(unknown.code);
  });

  test('gives up the old AppSecret only when WeChat takes the new one', async () => {
    const refused = await runCommand(['secret', 'rotate', 'shop'], 'mistyped\n');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('the old one is back');
    expect((await parameter(root, SECRET)).value).toBe(DEMO_ACCOUNT.secret);

    const NEW = 'another-secret-of-the-shop';
    simulator.setSecret(DEMO_ACCOUNT.appId, NEW);
    const taken = await runCommand(['secret', 'rotate', 'shop'], `${NEW}\n`);
    expect(taken).toMatchObject({ code: 0, stderr: '' });
    expect((await parameter(root, SECRET)).value).toBe(NEW);
    expect((await parameter(root, TOKEN)).value).toBe(currentToken());
    for (const { stdout, stderr } of [refused, taken]) {
      expect(stdout + stderr).not.toMatch(/mistyped|another-secret|demo-secret/);
    }
    const set = await runCommand(['secret', 'set', 'shop'], NEW);
    expect(set.stdout).toMatch(/^shop\/access-token +fresh /m);
    // Operators were notified once of what WeChat refused.
    expect(
      (await inbox.messages()).filter((text) => text.includes('40001') || text.includes('40125')),
    ).toHaveLength(1);
  });

  test('notifies operators once of the IP to allow, however often it fails for it', async () => {
    simulator.setAllowedIps(DEMO_ACCOUNT.appId, ['198.51.100.1']);
    const failure = async () => {
      const { answer } = await invoke({ app: 'shop', force: true });
      const [token] = answer.results;
      return token?.outcome === 'failed' ? token.error?.code : token?.outcome;
    };
    // Forced rotations are 30 seconds apart, so each of them may have to be asked for again.
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect.poll(failure, { timeout: 60_000, interval: 2_000 }).toBe('40164');
    }
    const [notice, ...more] = await inbox.messages();
    expect(notice).toMatch(/203\.0\.113\.7.*developers\.weixin\.qq\.com/s);
    expect(more).toEqual([]);
  });

  test('shows nothing secret in templates, assets, outputs or logs', async () => {
    const logs = await logLines();
    // The logs are there: a search through nothing would find nothing.
    expect(logs).toContain('shop/access-token renewed: no-value');
    expect(logs).toContain('shop/access-token failed: forced');
    const files = readdirSync(outDir, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    expect(files.some(({ name }) => name.endsWith('.template.json'))).toBe(true);
    const texts = [
      logs,
      ...files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8')),
    ];
    for (const text of texts) {
      expect(text).not.toMatch(VALUE);
      expect(text).not.toContain(DEMO_ACCOUNT.secret);
      expect(text).not.toContain('another-secret');
      expect(text).not.toContain(DEMO_WECOM_APP.secret);
      expect(text).not.toContain(readerKey);
    }
  });

  test('is destroyed, and leaves the token to the apps that still use it', async () => {
    const version = (await item())['version'];
    expect(version?.N).toMatch(/^[1-9]/);
    await stack.destroy(config({ cacheSeconds: 20, auth: 'key' }));
    await expect(invoke({})).rejects.toThrow(/not found/i);
    expect((await item())['version']).toEqual(version);
    expect((await parameter(root, TOKEN)).value).toBe(currentToken());
  });

  test('leaves nothing behind once operators have cleaned up', async () => {
    const table = output('TableName');
    const asked = await runCommand(['cleanup']);
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining(`--table ${table}`) });
    const unsure = await runCommand(['cleanup', '--table', table]);
    expect(unsure).toMatchObject({ code: 2, stdout: expect.stringContaining(TOKEN) });
    expect((await parameter(root, TOKEN)).value).toBe(currentToken());
    expect((await runCommand(['cleanup', '--table', table, '--yes'])).code).toBe(0);
    await expect(parameter(root, TOKEN)).rejects.toThrow(/not found|NotFound/i);
    await expect(parameter(root, SECRET)).rejects.toThrow(/not found|NotFound/i);
    await expect(item()).rejects.toThrow(/not found|NotFound/i);
  });
});

async function logLines(): Promise<string> {
  const { logGroups = [] } = await root.logs.send(new DescribeLogGroupsCommand({}));
  const groups = logGroups.map(async ({ logGroupName }) => {
    const { events = [] } = await root.logs.send(new FilterLogEventsCommand({ logGroupName }));
    return events.map(({ message }) => message).join('\n');
  });
  return (await Promise.all(groups)).join('\n');
}
