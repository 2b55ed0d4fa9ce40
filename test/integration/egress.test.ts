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
/** As they are written in a URL. */
const CREDENTIALS = 'operator:hunter%3A2%40x';
const PROXY_AUTHORIZATION = `Basic ${btoa('operator:hunter:2@x')}`;
const trusted = getCACertificates('default');

let simulator: Simulator;
let proxy: ProxyServer;
let parameters: ParameterServer;
let egress: EgressDispatcher;
let now: number;

beforeEach(async () => {
  simulator = await startSimulator();
  proxy = await startProxyServer(HOST, simulator.url, PROXY_AUTHORIZATION);
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

function fetchToken(host = `https://${HOST}`) {
  const timing = { now: () => now, random: () => 0, sleep: async () => undefined };
  const client = wechatClient(
    { hosts: [host], errorCodes: officialErrorCodes },
    egress,
    timing,
    () => undefined,
  );
  const request = {
    app: shop,
    name: 'access-token',
    secret: DEMO_ACCOUNT.secret,
    tokenApi: 'classic',
  } as const;
  return wechatSource({ official: client, wecom: client }).fetch({ ...request, force: false });
}

async function failure(): Promise<SourceError> {
  const error = await fetchToken().catch((thrown: unknown) => thrown);
  if (!(error instanceof SourceError)) throw new Error('expected a SourceError');
  expect(JSON.stringify([error.message, error.stack, String(error.cause)])).not.toMatch(/hunter/);
  return error;
}

test('calls to WeChat go through the proxy, with the credentials from SSM', async () => {
  parameters.put(PARAMETER, `${proxyUrl(CREDENTIALS)}\n`);
  const { value } = await fetchToken();
  expect(value).toBe(simulator.currentToken(DEMO_ACCOUNT.appId, 'classic'));
  expect(proxy.tunnels).toEqual([{ target: `${HOST}:443`, authorization: PROXY_AUTHORIZATION }]);
});

test('calls to a simulator on this machine bypass the proxy, as they would with NO_PROXY', async () => {
  parameters.put(PARAMETER, proxyUrl(CREDENTIALS));
  await fetchToken(simulator.url);
  await fetchToken(simulator.url.replace('127.0.0.1', 'localhost'));
  expect(simulator.calls('/cgi-bin/token')).toHaveLength(2);
  expect(proxy.tunnels).toEqual([]);
});

test('a password that operators replaced is used within a minute', async () => {
  parameters.put(PARAMETER, proxyUrl('operator:old-hunter'));
  expect(await failure()).toMatchObject({ code: 'proxy-407' });
  parameters.put(PARAMETER, proxyUrl(CREDENTIALS));
  now += 60_000;
  expect((await fetchToken()).expiresInSeconds).toBe(7200);
});

describe('an error of the proxy does not show its credentials', () => {
  test('the proxy rejects them, and WeChat gets no call', async () => {
    parameters.put(PARAMETER, proxyUrl('operator:hunter-3'));
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
    parameters.put(PARAMETER, 'http://operator:hunter@127.0.0.1:9');
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

  test.each(['operator:hunter@proxy:3128', 'socks5://operator:hunter@proxy:1080', 'the hunter proxy'])(
    'the parameter is not an HTTP URL: %s',
    async (value) => {
      parameters.put(PARAMETER, value);
      expect(await failure()).toMatchObject({ code: 'proxy-misconfigured', kind: 'configuration' });
    },
  );

  test('SSM is down; as soon as it is back, the parameter is read', async () => {
    parameters.put(PARAMETER, proxyUrl(CREDENTIALS));
    parameters.down = true;
    expect(await failure()).toMatchObject({ code: 'proxy-unreadable', kind: 'transient' });
    parameters.down = false;
    expect((await fetchToken()).expiresInSeconds).toBe(7200);
  });
});
