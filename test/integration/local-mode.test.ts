import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEMO_ACCOUNT, type Simulator, startSimulator } from '../../local/simulator/simulator.ts';
import { isLive, type LocalProcess, startLocalProcess, until } from '../support/start-local-process.ts';

const VALUE = /sim(classic|stable|ticket)_\S+/;

let folder: string;
let started: LocalProcess[] = [];
let simulator: Simulator | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'local-mode-'));
});
afterEach(async () => {
  for (const local of started) await local.kill();
  started = [];
  await simulator?.close();
  simulator = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** Ends with the test that started it. */
async function startLocal(env: NodeJS.ProcessEnv = {}): Promise<LocalProcess> {
  const local = await startLocalProcess(folder, env);
  started.push(local);
  return local;
}

async function token(local: LocalProcess): Promise<string> {
  const response = await fetch(`${local.url}/apps/default/access-token`);
  expect(response.status).toBe(200);
  return ((await response.json()) as { access_token: string }).access_token;
}

/** A manual refresh as operators make it, with the real SDK client. */
async function invoke(local: LocalProcess, event: unknown) {
  const client = new LambdaClient({
    endpoint: local.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  });
  const { FunctionError, Payload } = await client.send(
    new InvokeCommand({ FunctionName: 'refresh', Payload: JSON.stringify(event) }),
  );
  client.destroy();
  return { FunctionError, answer: JSON.parse(Payload?.transformToString() ?? 'null') };
}

describe('the demo', () => {
  // Again, if the other test files had both cores just then: it takes about one second of its own.
  test('serves a valid token within ten seconds, on every path that it prints, and never prints a value', {
    retry: 2,
  }, async () => {
    const begun = performance.now();
    const local = await startLocal();
    await until(() => isLive(local));
    expect(performance.now() - begun).toBeLessThan(10_000);

    const value = await token(local);
    const file = join(folder, 'parameters/wechat/tokens/default/access-token');
    await until(() => existsSync(file));
    expect(readFileSync(file, 'utf8')).toBe(value);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'parameters')).mode & 0o777).toBe(0o700);
    expect(existsSync(`${file}.new`)).toBe(false);
    expect((await fetch(`${local.url}/health`)).status).toBe(200);
    const signature = await fetch(`${local.url}/apps/default/jsapi-signature?url=https%3A%2F%2Fa.example%2F`);
    expect(await signature.json()).toMatchObject({
      appId: DEMO_ACCOUNT.appId,
      signature: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
    expect(local.output()).toMatch(/renewed to version 1, good for 1[12]\d s/);
    expect(local.output()).not.toMatch(VALUE);
    expect(local.output()).not.toContain(DEMO_ACCOUNT.secret);
  });

  test('refreshes by the Lambda Invoke API, with the outcomes of the contract', async () => {
    const local = await startLocal();
    await until(() => isLive(local));
    const before = await token(local);
    const { answer } = await invoke(local, { app: 'default', force: true, reason: 'test' });
    expect(answer.results[0]).toEqual({
      app: 'default',
      credential: 'access-token',
      outcome: 'renewed',
      reason: 'forced',
      version: 2,
      expiresAt: expect.any(Number),
    });
    expect(await token(local)).not.toBe(before);
    expect((await invoke(local, { app: 'default', force: true })).answer.results[0].outcome).toBe('too-soon');
    expect((await invoke(local, {})).answer.results[0].outcome).toBe('fresh');
    expect(await invoke(local, { app: 'default', forse: true })).toEqual({
      FunctionError: 'Unhandled',
      answer: {
        errorType: 'InvalidEventError',
        errorMessage: 'forse: not a field of this event',
        trace: [],
      },
    });
  });

  test('keeps the token over Ctrl-C and a restart, and over a crash', async () => {
    const first = await startLocal();
    await until(() => isLive(first));
    const value = await token(first);
    first.child.kill('SIGINT');
    expect(await first.exit).toEqual({ code: 0 });

    const second = await startLocal();
    expect(await token(second)).toBe(value);
    await second.kill();
    const third = await startLocal();
    expect(await token(third)).toBe(value);
  });

  test('a second start on the same folder or port is refused in one line', async () => {
    const local = await startLocal();
    const sameFolder = await startLocal();
    expect(await sameFolder.exit).toEqual({ code: 1 });
    expect(sameFolder.output()).toBe(
      `The folder ${folder} is in use by another wechat-token-refresher. Stop that one, or set LOCAL_DIR to another folder.\n`,
    );
    const port = new URL(local.url).port;
    const samePort = await startLocal({ PORT: port, LOCAL_DIR: join(folder, 'other') });
    expect(await samePort.exit).toEqual({ code: 1 });
    expect(samePort.output()).toBe(
      `Port ${port} of 127.0.0.1 is in use. Stop what listens there, or set PORT to another one.\n`,
    );
    await until(() => isLive(local));
  });
});

test('Ctrl-C waits for a refresh that is under way: what WeChat has granted is written down', async () => {
  simulator = await startSimulator({ accounts: [{ appId: 'wxreal', secret: 'real-secret' }] });
  const account = {
    WECHAT_APPID: 'wxreal',
    WECHAT_SECRET: 'real-secret',
    WECHAT_HOSTS: simulator.url,
    WECHAT_TICKETS: '',
  };
  const local = await startLocal(account);
  await until(() => isLive(local));
  simulator.addFault({ kind: 'delay', ms: 1_500, count: 1 });
  const forced = invoke(local, { app: 'default', force: true }).catch(() => undefined);
  await until(() => simulator?.calls('/cgi-bin/token').length === 2);
  local.child.kill('SIGINT');
  expect(await local.exit).toEqual({ code: 0 });
  await forced;

  const file = join(folder, 'parameters/wechat/tokens/default/access-token');
  expect(readFileSync(file, 'utf8')).toBe(simulator.currentToken('wxreal', 'classic'));
  const again = await startLocal(account);
  expect(await token(again)).toBe(simulator.currentToken('wxreal', 'classic'));
});

test.each(['dynamodb', 'simulator.json'])('a corrupt %s is reported in one line', async (name) => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), '{');
  const local = await startLocal();
  expect(await local.exit).toEqual({ code: 1 });
  expect(local.output()).toContain(join(folder, name));
  expect(local.output().trim().split('\n')).toHaveLength(1);
});

test('a file in place of the folder is refused in one line', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const local = await startLocal({ LOCAL_DIR: file });
  expect(await local.exit).toEqual({ code: 1 });
  expect(local.output()).toBe(
    `The folder ${file} cannot be used (EEXIST). Set LOCAL_DIR to a folder that you may write.\n`,
  );
});

test('a wrong variable is refused by name, without a stack', async () => {
  const local = await startLocal({ WECHAT_APPID: 'wxreal' });
  expect(await local.exit).toEqual({ code: 1 });
  expect(local.output()).toBe(
    'WECHAT_SECRET: set WECHAT_APPID and WECHAT_SECRET together, or neither for the demo\n',
  );
});

test('with an account of its own it talks to the hosts it is given', async () => {
  simulator = await startSimulator({ accounts: [{ appId: 'wxreal', secret: 'real-secret' }] });
  const local = await startLocal({
    WECHAT_APPID: 'wxreal',
    WECHAT_SECRET: 'real-secret',
    WECHAT_HOSTS: simulator.url,
    WECHAT_TOKEN_API: 'stable',
    WECHAT_TICKETS: '',
  });
  await until(() => isLive(local));
  expect(await token(local)).toBe(simulator.currentToken('wxreal', 'stable'));
  expect((await fetch(`${local.url}/apps/default/jsapi-ticket`)).status).toBe(404);
});

test('a failure is printed once with its remedy, not once a second', async () => {
  simulator = await startSimulator({ accounts: [{ appId: 'wxreal', secret: 'other' }] });
  const local = await startLocal({
    WECHAT_APPID: 'wxreal',
    WECHAT_SECRET: 'wrong',
    WECHAT_HOSTS: simulator.url,
  });
  await until(() => local.output().includes('40001'));
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(local.output().match(/40001/g)).toHaveLength(1);
  expect(local.output()).toContain(
    'the AppSecret is wrong. Compare the AppSecret with developers.weixin.qq.com/platform',
  );
  expect(simulator.calls('/cgi-bin/token')).toHaveLength(1);
});

describe('the loopback port', () => {
  const INVOKE = '/2015-03-31/functions/refresh/invocations';

  /** node:http, because fetch does not let a test choose Host and Origin. */
  function send(
    local: LocalProcess,
    path: string,
    options: { method?: string; headers?: object; body?: string } = {},
  ) {
    const { method = 'GET', headers = {}, body } = options;
    return new Promise<{ status: number; body: string }>((resolve, reject) => {
      const call = httpRequest(`${local.url}${path}`, { method, headers: { ...headers } }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      });
      call.on('error', reject);
      call.end(body);
    });
  }

  test('refuses other hosts, web pages and malformed requests', async () => {
    const local = await startLocal();
    await until(() => isLive(local));
    const rows = [
      { path: '/health', headers: { host: 'evil.example' }, status: 403 },
      { path: '/health', headers: { host: 'evil.example:8787' }, status: 403 },
      { path: '/health', headers: { host: 'localhost.evil.example' }, status: 403 },
      { path: '/health', headers: { origin: 'null' }, status: 403 },
      { path: '/health', headers: { host: 'localhost:1' }, status: 200 },
      { path: INVOKE, method: 'POST', headers: { origin: 'https://evil.example' }, body: '{}', status: 403 },
      { path: INVOKE, status: 405 },
      { path: INVOKE, method: 'POST', body: '{', status: 400 },
      { path: INVOKE, method: 'POST', body: '', status: 200 },
      { path: INVOKE, method: 'POST', body: `"${'x'.repeat(300_000)}"`, status: 413 },
      {
        path: INVOKE,
        method: 'POST',
        headers: { 'x-amz-invocation-type': 'DryRun' },
        body: '{}',
        status: 204,
      },
      {
        path: INVOKE,
        method: 'POST',
        headers: { 'x-amz-invocation-type': 'Event' },
        body: '{}',
        status: 202,
      },
      { path: '/2015-03-31/functions/read/invocations', method: 'POST', body: '{}', status: 404 },
      { path: '/apps/default/access-token', method: 'POST', status: 405 },
      { path: '/apps/other/access-token', status: 404 },
    ];
    for (const { path, status, ...options } of rows) {
      const response = await send(local, path, options);
      expect(response.status, JSON.stringify({ path, ...options }).slice(0, 120)).toBe(status);
      expect(response.body).not.toMatch(VALUE);
    }
  });
});
