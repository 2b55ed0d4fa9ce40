import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutParameterCommand } from '@aws-sdk/client-ssm';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../local/simulator/simulator.ts';
import { clientsOf, ROOT, signedFetch, wechatToken } from './aws.ts';
import { type Clients, Deployment, newUser, parameter } from './deployment.ts';
import { type Emulator, startEmulator } from './emulator.ts';

/** Two stacks in one account, one of them with 200 apps and behind an HTTP API. */

const ACCOUNTS = Array.from({ length: 200 }, (_, index) => ({
  appId: `wx${String(index).padStart(16, '0')}`,
  secret: `secret-of-app-number-${index}`,
}));
const SMALL = { appId: 'wxsmall00000000001', secret: 'secret-of-the-small-one' };

let emulator: Emulator;
let simulator: Simulator;
let outDir: string;
let large: Deployment;
let small: Deployment;
let root: Clients;

beforeAll(async () => {
  emulator = await startEmulator();
  simulator = await startSimulator({ accounts: [...ACCOUNTS, SMALL] });
  outDir = mkdtempSync(join(tmpdir(), 'cdk-out-'));
  root = clientsOf(emulator.endpoint, ROOT);
  large = new Deployment(emulator, outDir, 'Large');
  small = new Deployment(emulator, outDir, 'Small');
});
afterAll(async () => {
  await simulator?.close();
  await emulator?.stop();
  if (outDir) rmSync(outDir, { recursive: true, force: true });
});

const ofLarge = (count: number) => ({
  apps: ACCOUNTS.slice(0, count).map(({ appId }, index) => ({
    name: `app-${index}`,
    kind: 'official-account',
    appId,
  })),
  wechatHosts: [simulator.url],
  // What a region without function URLs gets by itself.
  readUrl: { frontEnd: 'http-api' },
});
const ofSmall = () => ({
  apps: [{ name: 'small', kind: 'mini-program', appId: SMALL.appId, tokenApi: 'stable' }],
  wechatHosts: [simulator.url],
});

async function writeSecrets(): Promise<void> {
  const limit = pLimit(20);
  const secrets = [...ACCOUNTS.map(({ secret }, index) => [`app-${index}`, secret]), ['small', SMALL.secret]];
  const writes = secrets.map(([app, Value]) =>
    limit(() =>
      root.ssm.send(
        new PutParameterCommand({ Name: `/wechat/secrets/${app}/app-secret`, Type: 'SecureString', Value }),
      ),
    ),
  );
  await Promise.all(writes);
}

describe('two stacks in one account', () => {
  test('deploy side by side', async () => {
    await large.bootstrap(ofLarge(200));
    await large.deploy(ofLarge(200));
    await small.deploy(ofSmall());
    for (const [name, value] of Object.entries(large.outputs)) {
      if (name !== 'ParameterPrefix') expect(small.outputs[name], name).not.toBe(value);
    }
  });

  test('200 apps tick in one invocation, and the other stack refreshes its own alone', async () => {
    await writeSecrets();
    const { answer } = await large.invoke({});
    const outcomes = answer.results.map(({ outcome }: { outcome: string }) => outcome);
    expect(outcomes).toHaveLength(200);
    expect(new Set(outcomes)).toEqual(new Set(['renewed']));
    expect(simulator.calls('/cgi-bin/token')).toHaveLength(200);

    await small.invoke({});
    expect(simulator.calls('/cgi-bin/token')).toHaveLength(200);
    const token = simulator.currentToken(SMALL.appId, 'stable');
    expect((await parameter(root, '/wechat/tokens/small/access-token')).value).toBe(token);
  });

  test('the status of 200 apps is there in under 3 seconds', async () => {
    const begun = performance.now();
    const { code, stdout } = await wechatToken(emulator.endpoint, ['status', '--stack', 'Large']);
    const seconds = (performance.now() - begun) / 1000;
    console.log(`wechat-token-refresher status of 200 apps: ${seconds.toFixed(2)} s`);
    expect(code).toBe(0);
    expect(stdout.match(/^app-\d+\/access-token +live /gm)).toHaveLength(200);
    expect(seconds).toBeLessThan(3);
  });

  test('an HTTP API serves signed reads, and no others', async () => {
    const url = large.readUrl('/apps/app-7/access-token');
    const token = simulator.currentToken(ACCOUNTS[7]?.appId ?? '', 'classic');
    const signed = await signedFetch(url, 'execute-api', ROOT);
    expect(signed.status).toBe(200);
    expect(await signed.json()).toMatchObject({ access_token: token });
    expect((await fetch(url)).status).toBe(403);
    if (emulator.enforcesIam) {
      const reader = await newUser(root, 'reader', large.output('ReaderPolicyArn'));
      expect((await signedFetch(url, 'execute-api', reader)).status).toBe(200);
      expect((await signedFetch(url, 'execute-api', await newUser(root, 'without-policy'))).status).toBe(403);
    }

    const wechats = large.readUrl(
      `/cgi-bin/token?grant_type=client_credential&appid=${ACCOUNTS[7]?.appId}&secret=none`,
    );
    expect(await (await signedFetch(wechats, 'execute-api', ROOT)).json()).toMatchObject({
      access_token: token,
    });
    expect((await signedFetch(large.readUrl('/nowhere'), 'execute-api', ROOT)).status).toBe(404);
  });

  test('an app that leaves the configuration keeps its data until cleanup', async () => {
    const left = '/wechat/tokens/app-199/access-token';
    const { value } = await parameter(root, left);
    await large.deploy(ofLarge(199));
    await large.invoke({});
    expect((await parameter(root, left)).value).toBe(value);
    expect((await large.item('app-199/access-token'))['value']).toEqual({ S: value });

    const { code, stdout } = await wechatToken(emulator.endpoint, ['cleanup', '--stack', 'Large', '--yes']);
    expect(code).toBe(0);
    expect(stdout).toContain(`parameter  ${left}`);
    await expect(parameter(root, left)).rejects.toThrow(/not found|NotFound/i);
    await expect(parameter(root, '/wechat/secrets/app-199/app-secret')).rejects.toThrow(
      /not found|NotFound/i,
    );
    expect(await large.item('app-199/access-token')).toEqual({});
    // No other app lost anything.
    expect((await parameter(root, '/wechat/tokens/app-198/access-token')).value).toBeTruthy();
    expect((await parameter(root, '/wechat/tokens/small/access-token')).value).toBeTruthy();
    expect((await wechatToken(emulator.endpoint, ['status', '--stack', 'Small'])).code).toBe(0);
  });

  test('one is destroyed, the other goes on', async () => {
    await small.destroy(ofSmall());
    expect((await large.invoke({ app: 'app-0' })).answer.results[0]).toMatchObject({ outcome: 'fresh' });
  });
});
