import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ParameterServer, startParameterServer } from '../../bench/harness/parameter-server.ts';
import { shop } from '../../bench/harness/world.ts';
import { proxyParameter } from '../../functions/aws/ssm-parameters.ts';
import { SourceError } from '../../functions/core/errors.ts';
import { wechatClient } from '../../functions/wechat/client.ts';
import { EgressDispatcher } from '../../functions/wechat/egress.ts';
import { officialErrorCodes } from '../../functions/wechat/official-error-codes.ts';
import { wechatSource } from '../../functions/wechat/sources.ts';
import { DEMO_ACCOUNT, type Simulator, startSimulator } from '../../local/simulator/simulator.ts';
import { type ProxyServer, startProxyServer } from '../support/proxy-server.ts';

const PARAMETER = '/wechat/proxy-url';
const HOST = 'wechat.test';
const trusted = getCACertificates('default');

let simulator: Simulator;
let proxy: ProxyServer;
let parameters: ParameterServer;
let egress: EgressDispatcher;
let now: number;

beforeEach(async () => {
  simulator = await startSimulator();
  proxy = await startProxyServer(HOST, simulator.url, `Basic ${btoa('ops:hunter:2@x')}`);
  setDefaultCACertificates([...trusted, proxy.certificate]);
  parameters = await startParameterServer();
  now = 0;
  egress = new EgressDispatcher(proxyParameter(parameters.client, PARAMETER, () => now));
});
afterEach(async () => {
  setDefaultCACertificates(trusted);
  await egress.close();
  await simulator.close();
  await proxy.close();
  await parameters.close();
});

const proxyUrl = (credentials: string) => proxy.url.replace('http://', `http://${credentials}@`);
const RIGHT = 'ops:hunter%3A2%40x';

function fetchToken(host = `https://${HOST}`) {
  const patience = { now: () => now, random: () => 0, sleep: async () => undefined };
  const client = wechatClient(
    { hosts: [host], errorCodes: officialErrorCodes },
    egress,
    patience,
    () => undefined,
  );
  const order = {
    app: shop,
    name: 'access-token',
    secret: DEMO_ACCOUNT.secret,
    tokenApi: 'classic',
  } as const;
  return wechatSource({ official: client, wecom: client }).fetch({ ...order, force: false });
}

async function failure(): Promise<SourceError> {
  const error = await fetchToken().catch((thrown: unknown) => thrown);
  if (!(error instanceof SourceError)) throw new Error('it did not fail as expected');
  expect(JSON.stringify([error.message, error.stack, String(error.cause)])).not.toMatch(/hunter/);
  return error;
}

test('WeChat is asked through the proxy, with its credentials from SSM', async () => {
  parameters.put(PARAMETER, `${proxyUrl(RIGHT)}\n`);
  const { value } = await fetchToken();
  expect(value).toBe(simulator.currentToken(DEMO_ACCOUNT.appId, 'classic'));
  expect(proxy.tunnels).toEqual([
    { target: `${HOST}:443`, authorization: `Basic ${btoa('ops:hunter:2@x')}` },
  ]);
});

test('a simulator on this machine is asked straight, as NO_PROXY would have it', async () => {
  parameters.put(PARAMETER, proxyUrl(RIGHT));
  await fetchToken(simulator.url);
  await fetchToken(simulator.url.replace('127.0.0.1', 'localhost'));
  expect(simulator.calls('/cgi-bin/token')).toHaveLength(2);
  expect(proxy.tunnels).toEqual([]);
});

test('a password that ops replaced is used a minute later at the latest', async () => {
  parameters.put(PARAMETER, proxyUrl('ops:hunter-of-old'));
  expect(await failure()).toMatchObject({ code: 'proxy-407' });
  parameters.put(PARAMETER, proxyUrl(RIGHT));
  now += 60_000;
  expect((await fetchToken()).expiresInSeconds).toBe(7200);
});

describe('what goes wrong is told without the credentials, and WeChat was not asked', () => {
  test('the proxy refuses them', async () => {
    parameters.put(PARAMETER, proxyUrl('ops:hunter-3'));
    expect(await failure()).toMatchObject({
      code: 'proxy-407',
      kind: 'transient',
      mayHaveRotated: false,
      message: expect.stringContaining(
        'the proxy answered 407 to CONNECT wechat.test; correct the user and password in its URL',
      ),
    });
    expect(simulator.calls()).toEqual([]);
  });

  test('the proxy is down', async () => {
    parameters.put(PARAMETER, 'http://ops:hunter@127.0.0.1:9');
    expect(await failure()).toMatchObject({
      code: 'ECONNREFUSED',
      kind: 'transient',
      mayHaveRotated: false,
      message: expect.stringContaining('wechat.test could not be reached through the proxy (ECONNREFUSED)'),
    });
  });

  test('the parameter is missing', async () => {
    expect(await failure()).toMatchObject({
      code: 'proxy-misconfigured',
      kind: 'configuration',
      message: expect.stringMatching(
        /^There is no proxy URL in the SSM parameter \/wechat\/proxy-url\. Write one like/,
      ),
    });
  });

  test.each(['ops:hunter@proxy:3128', 'socks5://ops:hunter@proxy:1080', 'the hunter proxy'])(
    'the parameter holds no HTTP URL: %s',
    async (value) => {
      parameters.put(PARAMETER, value);
      expect(await failure()).toMatchObject({ code: 'proxy-misconfigured', kind: 'configuration' });
    },
  );

  test('SSM is down, and asked again at once when it is back', async () => {
    parameters.put(PARAMETER, proxyUrl(RIGHT));
    parameters.down = true;
    expect(await failure()).toMatchObject({ code: 'proxy-unreadable', kind: 'transient' });
    parameters.down = false;
    expect((await fetchToken()).expiresInSeconds).toBe(7200);
  });
});
