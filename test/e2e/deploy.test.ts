import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeLogGroupsCommand, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { AttachUserPolicyCommand, CreateAccessKeyCommand, CreateUserCommand } from '@aws-sdk/client-iam';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { SetTopicAttributesCommand } from '@aws-sdk/client-sns';
import { GetParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readerKeys } from '../../functions/aws/reader-keys.ts';
import {
  DEMO_ACCOUNT,
  DEMO_WECOM_APP,
  type Simulator,
  startSimulator,
} from '../wechat-simulator/simulator.ts';
import { type Credentials, cdk, clientsOf, eventually, ROOT, signedFetch } from './aws.ts';
import { type Emulator, startEmulator } from './emulator.ts';

/** A deployment's life as its user sees it: bootstrap, deploy, tick, read, refresh, redeploy, destroy (DESIGN.md 7a). */

const TOKEN = '/wechat/tokens/shop/access-token';
const SECRET = '/wechat/secrets/shop/app-secret';
const VALUE = /sim(classic|stable|wecom|ticket)_[\w-]+/;

let emulator: Emulator;
let simulator: Simulator;
let outDir: string;
let outputs: Record<string, string>;
let root: ReturnType<typeof clientsOf>;
let readerKey: string;

beforeAll(async () => {
  emulator = await startEmulator();
  simulator = await startSimulator();
  outDir = mkdtempSync(join(tmpdir(), 'cdk-out-'));
  root = clientsOf(emulator.endpoint, ROOT);
});
afterAll(async () => {
  await simulator?.close();
  await emulator?.stop();
  if (outDir) rmSync(outDir, { recursive: true, force: true });
});

type ReadUrl = { cacheSeconds: number; auth?: 'iam' | 'key' };

function contextOf(url: ReadUrl): string {
  const { corpId, agentId } = DEMO_WECOM_APP;
  return JSON.stringify({
    apps: [
      { name: 'shop', kind: 'official-account', appId: DEMO_ACCOUNT.appId, tickets: ['jsapi'] },
      { name: 'crm', kind: 'wecom', corpId, agentId, tickets: ['jsapi', 'agent_config'] },
    ],
    wechatHosts: [simulator.url],
    wecomHosts: [simulator.url],
    readUrl: url,
    alarmEmail: 'ops@example.com',
  });
}

async function deploy(url: ReadUrl): Promise<Record<string, string>> {
  const file = join(outDir, 'outputs.json');
  const context = ['-c', `wechat=${contextOf(url)}`];
  await cdk(
    emulator.endpoint,
    'deploy',
    ...context,
    '--require-approval',
    'never',
    '-o',
    outDir,
    '--outputs-file',
    file,
  );
  return JSON.parse(readFileSync(file, 'utf8')).WechatTokenRefresher;
}

function output(name: string): string {
  const value = outputs[name];
  if (!value) throw new Error(`the stack has no output ${name}`);
  return value;
}

/** The emulator serves a Function URL under its own address. */
function readUrl(path: string): string {
  const id = new URL(output('ReadUrl')).hostname.split('.')[0];
  return `${emulator.endpoint}/_aws/lambda-url/${id}${path}`;
}

async function parameter(name: string, clients = root) {
  const { Parameter } = await clients.ssm.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
  return { value: Parameter?.Value, type: Parameter?.Type };
}

async function invoke(event: unknown, clients = root) {
  const { FunctionError, Payload } = await clients.lambda.send(
    new InvokeCommand({ FunctionName: output('RefreshFunctionName'), Payload: JSON.stringify(event) }),
  );
  return { FunctionError, answer: JSON.parse(Payload?.transformToString() ?? 'null') };
}

async function item() {
  const key = { id: { S: 'shop/access-token' } };
  const { Item } = await root.dynamodb.send(
    new GetItemCommand({ TableName: output('TableName'), Key: key, ConsistentRead: true }),
  );
  return Item ?? {};
}

const currentToken = () => simulator.currentToken(DEMO_ACCOUNT.appId, 'classic');

describe('a deployment', () => {
  test('bootstraps and deploys, with every output of the contract', async () => {
    const bootstrapped = await cdk(
      emulator.endpoint,
      'bootstrap',
      '-c',
      `wechat=${contextOf({ cacheSeconds: 10 })}`,
    );
    expect(bootstrapped).toContain('bootstrapped');
    const bucket = 'cdk-hnb659fds-assets-000000000000-us-east-1';
    // The bucket's policy denies plain HTTP, which is all that the emulator speaks.
    await signedFetch(`${emulator.endpoint}/${bucket}?policy`, 's3', ROOT, { method: 'DELETE' });

    outputs = await deploy({ cacheSeconds: 10 });

    expect(Object.keys(outputs).sort()).toEqual([
      'AlarmTopicArn',
      'DashboardUrl',
      'ParameterPrefix',
      'ReadFunctionName',
      'ReadUrl',
      'ReaderPolicyArn',
      'RefreshFunctionName',
      'TableName',
    ]);
    expect(output('ParameterPrefix')).toBe('/wechat');
    await admitPlainHttp(output('AlarmTopicArn'));
  });

  test('says what is missing until ops write the secret', async () => {
    const { answer } = await invoke({ app: 'shop' });
    expect(answer.results[0]).toMatchObject({
      outcome: 'failed',
      error: { code: 'missing-secret', message: expect.stringContaining(SECRET) },
    });
    for (const [Name, Value] of [
      [SECRET, DEMO_ACCOUNT.secret],
      ['/wechat/secrets/crm/app-secret', DEMO_WECOM_APP.secret],
    ]) {
      await root.ssm.send(new PutParameterCommand({ Name, Type: 'SecureString', Value }));
    }
  });

  test('brings a live token into SSM by its schedule alone', async () => {
    const { value, type } = await eventually(() => parameter(TOKEN), 150_000);
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
    const ofWecom = await eventually(() => parameter('/wechat/tokens/crm/access-token'), 10_000);
    expect(ofWecom.value).toBe(simulator.currentWecomToken(corpId, agentId));
    const ticket = await eventually(() => parameter('/wechat/tokens/crm/agent-config-ticket'), 10_000);
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

  test("speaks WeChat's own routes to whoever signs", async () => {
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
    const reader = clientsOf(emulator.endpoint, await newReader(output('ReaderPolicyArn')));
    const credentials = (await reader.ssm.config.credentials()) as Credentials;

    expect((await parameter(TOKEN, reader)).value).toBe(currentToken());
    const url = readUrl('/apps/shop/access-token');
    expect((await signedFetch(url, 'lambda', credentials)).status).toBe(200);
    expect((await signedFetch(url, 'lambda', { ...credentials, secretAccessKey: 'guessed' })).status).toBe(
      403,
    );

    await expect(parameter(SECRET, reader)).rejects.toThrow(/not authorized/);
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
    expect((await parameter(TOKEN)).value).toBe(currentToken());
    expect((await invoke(force)).answer.results[0]).toMatchObject({ outcome: 'too-soon', version: 2 });
  });

  test('refuses a wrong event by the name of its field', async () => {
    const { FunctionError, answer } = await invoke({ app: 'shop', forse: true });
    expect(FunctionError).toBe('Unhandled');
    expect(answer.errorMessage).toBe('The event was refused: forse: not a field of this event');
  });

  test('keeps the token over a redeploy', async () => {
    const token = currentToken();
    const table = output('TableName');
    outputs = await deploy({ cacheSeconds: 20 });
    expect(output('TableName')).toBe(table);
    expect((await invoke({ app: 'shop' })).answer.results[0]).toMatchObject({ outcome: 'fresh', version: 2 });
    expect((await parameter(TOKEN)).value).toBe(token);
    const response = await signedFetch(readUrl('/apps/shop/access-token'), 'lambda', ROOT);
    expect(await response.json()).toMatchObject({ access_token: token });
    // Less the milliseconds that the read took, rounded down.
    expect(response.headers.get('cache-control')).toMatch(/^private, max-age=(19|20)$/);
  });

  test('lets readers in by a key after a change of configuration, and by nothing else', async () => {
    outputs = await deploy({ cacheSeconds: 20, auth: 'key' });
    const keys = readerKeys(root.dynamodb, output('TableName'), Date.now);
    const { key } = await keys.create({ name: 'e2e', apps: ['shop'] });
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
  });

  test('heals what somebody else rotated as soon as an app reports it, and tells ops', async () => {
    const fingerprint = (await item())['fingerprint']?.S;
    simulator.rotate(DEMO_ACCOUNT.appId);
    const [token] = (await invoke({ app: 'shop', rejected: fingerprint })).answer.results;
    expect(token).toMatchObject({ outcome: 'renewed', reason: 'reported-dead', version: 3 });
    expect((await parameter(TOKEN)).value).toBe(currentToken());
    const logs = await eventually(async () => {
      const lines = await logLines();
      expect(lines).toContain('died before its time');
      return lines;
    }, 10_000);
    expect(logs).not.toContain('could not be published');
  });

  test('shows nothing secret in templates, assets, outputs or logs', async () => {
    const logs = await logLines();
    // The logs are there: a search through nothing would find nothing.
    expect(logs).toContain('shop/access-token renewed: no-value');
    expect(logs).toContain('shop/access-token failed: no-value');
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
      expect(text).not.toContain(DEMO_WECOM_APP.secret);
      expect(text).not.toContain(readerKey);
    }
  });

  test('is destroyed, and leaves the token to whoever still uses it', async () => {
    await cdk(
      emulator.endpoint,
      'destroy',
      '--force',
      '-c',
      `wechat=${contextOf({ cacheSeconds: 20, auth: 'key' })}`,
    );
    await expect(invoke({})).rejects.toThrow(/not found/i);
    expect((await item())['version']).toEqual({ N: '3' });
    expect((await parameter(TOKEN)).value).toBe(currentToken());
  });
});

/** An IAM user that has the stack's reader policy and no other. */
async function newReader(policyArn: string): Promise<Credentials> {
  await root.iam.send(new CreateUserCommand({ UserName: 'reader' }));
  await root.iam.send(new AttachUserPolicyCommand({ UserName: 'reader', PolicyArn: policyArn }));
  const { AccessKey } = await root.iam.send(new CreateAccessKeyCommand({ UserName: 'reader' }));
  return { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
}

/** The topic's policy denies plain HTTP, which is all that the emulator speaks; the role must be admitted by its own. */
async function admitPlainHttp(topicArn: string): Promise<void> {
  const nobodyDenied = JSON.stringify({ Version: '2012-10-17', Statement: [] });
  await root.sns.send(
    new SetTopicAttributesCommand({
      TopicArn: topicArn,
      AttributeName: 'Policy',
      AttributeValue: nobodyDenied,
    }),
  );
}

async function logLines(): Promise<string> {
  const { logGroups = [] } = await root.logs.send(new DescribeLogGroupsCommand({}));
  const groups = logGroups.map(async ({ logGroupName }) => {
    const { events = [] } = await root.logs.send(new FilterLogEventsCommand({ logGroupName }));
    return events.map(({ message }) => message).join('\n');
  });
  return (await Promise.all(groups)).join('\n');
}
