import { once } from 'node:events';
import { createServer as createProxy } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { createServer as createSecureProxy } from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import { Agent, request } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { App } from '../../functions/core/credential.ts';
import { SourceError } from '../../functions/core/errors.ts';
import type { Grant } from '../../functions/core/ports.ts';
import { wechatClient } from '../../functions/wechat/client.ts';
import { EgressDispatcher } from '../../functions/wechat/egress.ts';
import { officialErrorCodes } from '../../functions/wechat/official-error-codes.ts';
import { wechatSource } from '../../functions/wechat/sources.ts';
import { type AnsweringServer, type Reply, startAnsweringServer } from '../support/answering-server.ts';
import { shop } from '../support/apps.ts';

const SECRET = '0123456789abcdef0123456789abcdef';
const GRANT = { access_token: 'token-of-the-second-host', expires_in: 7_200 };

let egress: EgressDispatcher;
let servers: AnsweringServer[];
let pauses: number[];
let now: number;

beforeEach(() => {
  egress = new EgressDispatcher(async () => undefined);
  servers = [];
  pauses = [];
  now = 0;
});
afterEach(async () => {
  await egress.close();
  for (const server of servers) await server.close();
});

async function serve(reply: Reply | ((index: number) => Reply), tls?: { key: string; cert: string }) {
  const server = await startAnsweringServer(typeof reply === 'function' ? reply : () => reply, tls);
  servers.push(server);
  return server;
}

function sourceOf(hosts: readonly string[]) {
  const timing = {
    now: () => now,
    random: () => 0,
    sleep: async (ms: number) => {
      pauses.push(ms);
    },
  };
  const client = wechatClient({ hosts, errorCodes: officialErrorCodes }, egress, timing, () => undefined);
  return wechatSource({ official: client, wecom: client });
}

/** The classic token: each call rotates. */
function fetchToken(source: ReturnType<typeof sourceOf>, app = shop): Promise<Grant> {
  return source.fetch({ app, name: 'access-token', secret: SECRET, tokenApi: 'classic', force: false });
}

async function failure(promise: Promise<unknown>): Promise<SourceError> {
  const error = await promise.catch((thrown: unknown) => thrown);
  if (!(error instanceof SourceError)) throw new Error(`it did not fail as expected: ${error}`);
  expect(JSON.stringify([error.message, error.stack, String(error.cause)])).not.toContain(SECRET);
  return error;
}

const html = { headers: { 'content-type': 'text/html' }, body: '<html><body>Access denied</body></html>' };
const BUSY = { errcode: -1, errmsg: 'system error' };

describe('a second host serves, whatever the first one does', () => {
  /** How often the first host is asked in the first call, and how many of those requests WeChat may have counted. */
  test.each<[string, Reply | ((index: number) => Reply), { asked?: number; counted: number }]>([
    ['F3: 412', { status: 412, ...html }, { counted: 1 }],
    ['F3: HTML with 200', html, { counted: 1 }],
    ['F4: -1 for ever', { body: BUSY }, { asked: 2, counted: 0 }],
    ['-1 as a string, under 500', { status: 500, body: { errcode: '-1' } }, { asked: 2, counted: 0 }],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:9/login' } }, { counted: 1 }],
    ['403', { status: 403, ...html }, { counted: 1 }],
    ['404 with JSON of its own', { status: 404, body: { message: 'no such route' } }, { counted: 1 }],
    ['429', { status: 429, body: 'slow down' }, { counted: 1 }],
    ['502', { status: 502, ...html }, { counted: 1 }],
    ['504 without a body', { status: 504 }, { counted: 1 }],
    ['an empty 200', { headers: { 'content-type': 'text/html' } }, { counted: 1 }],
    ['a JSON array', { body: [GRANT] }, { counted: 1 }],
    ['a JSON string', { body: '"ok"' }, { counted: 1 }],
    ['JSON that is cut off', { body: JSON.stringify(GRANT).slice(0, 30) }, { counted: 1 }],
    ['a body that ends too soon', { body: '{"access_token":"half-of-', fault: 'cut' }, { counted: 1 }],
    ['a page of 100 KB', { body: `<html>${'x'.repeat(100_000)}` }, { counted: 1 }],
    ['a connection that breaks', { fault: 'broken' }, { counted: 1 }],
    ['silence', (index) => (index === 0 ? { fault: 'silent' } : { body: GRANT }), { counted: 1 }],
  ])('%s', async (_name, reply, { asked = 1, counted }) => {
    const first = await serve(reply);
    const second = await serve({ body: GRANT });
    const source = sourceOf([first.url, second.url]);
    expect(await fetchToken(source)).toEqual({
      value: GRANT.access_token,
      expiresInSeconds: 7_200,
      upstreamCalls: counted + 1,
    });
    expect([first.requests.length, second.requests.length]).toEqual([asked, 1]);
    // Another host is asked at once; only the same one is given time.
    expect(pauses).toHaveLength(asked - 1);

    // And it is remembered: the next call does not begin at the sick host.
    now = 60_000;
    expect((await fetchToken(source)).upstreamCalls).toBe(1);
    expect([first.requests.length, second.requests.length]).toEqual([asked, 2]);
    now = 600_000;
    await fetchToken(source);
    expect(first.requests).toHaveLength(2 * asked);
  });

  const closedPort = async () => {
    const server = await startAnsweringServer(() => ({}));
    await server.close();
    return server.url;
  };
  const selfSigned = async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'wechat.test' }]);
    return (await serve({ body: GRANT }, { key, cert })).url;
  };
  const plainServer = async () => (await serve({ body: GRANT })).url.replace('http:', 'https:');

  test.each<[string, () => Promise<string>]>([
    ['refused', closedPort],
    ['a name that does not resolve', async () => 'https://api.weixin.invalid'],
    ['a certificate of another', selfSigned],
    ['no TLS at all', plainServer],
  ])('never connected, so WeChat counted nothing: %s', async (_name, hostOf) => {
    const host = await hostOf();
    const second = await serve({ body: GRANT });
    expect(await fetchToken(sourceOf([host, second.url]))).toMatchObject({ upstreamCalls: 1 });
    expect(await failure(fetchToken(sourceOf([host])))).toMatchObject({
      kind: 'transient',
      mayHaveRotated: false,
      upstreamCalls: 0,
      message: expect.stringContaining(new URL(host).host),
    });
    expect(second.requests).toHaveLength(1);
  });
});

test('when every host fails, the message names each with its own fault', async () => {
  const first = await serve({ status: 412, ...html });
  const second = await serve({ body: BUSY });
  const error = await failure(fetchToken(sourceOf([first.url, second.url])));
  expect(error.message).toContain(`${new URL(first.url).host} answered HTTP 412`);
  expect(error.message).toContain(`${new URL(second.url).host} is busy (-1)`);
  expect([first.requests.length, second.requests.length]).toEqual([2, 2]);
  expect(error).toMatchObject({ upstreamCalls: 2, mayHaveRotated: true });
});

describe('an answer that cannot get better is not asked for again', () => {
  test.each<[string, Reply, number]>([
    ['F5: a token of more than 4 KB', { body: { access_token: 'x'.repeat(4_097), expires_in: 7_200 } }, 1],
    ['no token', { body: { expires_in: 7_200 } }, 1],
    ['an empty object', { body: {} }, 1],
    ['errcode 0 and nothing else', { body: { errcode: 0, errmsg: 'ok' } }, 0],
    ['errcode 0 under 500', { status: 500, body: { errcode: '0' } }, 0],
    ['a token that is null', { body: { access_token: null } }, 1],
    ['JSON of 100 KB', { body: { access_token: 'x'.repeat(100_000) } }, 1],
  ])('%s', async (_name, reply, nextCallMoves) => {
    const first = await serve(reply);
    const second = await serve({ body: GRANT });
    const source = sourceOf([first.url, second.url]);
    expect(await failure(fetchToken(source))).toMatchObject({
      code: 'bad-answer',
      mayHaveRotated: true,
      upstreamCalls: 1,
      message: expect.stringContaining(new URL(first.url).host),
    });
    expect([first.requests.length, second.requests.length]).toEqual([1, 0]);
    // Unless it was surely WeChat's, the next call asks another host.
    await fetchToken(source).catch(() => undefined);
    expect(second.requests).toHaveLength(nextCallMoves);
  });

  test('F10: a refusal with its errcode as a string is one, and is asked for once', async () => {
    const first = await serve({
      body: { errcode: '40164', errmsg: 'invalid ip 203.0.113.7, not in whitelist' },
    });
    const second = await serve({ body: GRANT });
    expect(await failure(fetchToken(sourceOf([first.url, second.url])))).toMatchObject({
      code: '40164',
      kind: 'configuration',
      refusedIp: '203.0.113.7',
      mayHaveRotated: false,
    });
    expect([first.requests.length, second.requests.length]).toEqual([1, 0]);
  });
});

test('F5: a token of 513 characters with its lifetime as a string is used', async () => {
  const long = 'x'.repeat(513);
  const first = await serve({ body: { access_token: long, expires_in: '7200' } });
  expect(await fetchToken(sourceOf([first.url]))).toEqual({
    value: long,
    expiresInSeconds: 7_200,
    upstreamCalls: 1,
  });
  expect(first.requests).toHaveLength(1);
});

test('an answer that is cut off after its last brace is used: asking again would rotate again', async () => {
  const first = await serve({ body: GRANT, fault: 'cut' });
  expect(await fetchToken(sourceOf([first.url]))).toMatchObject({ value: GRANT.access_token });
  expect(first.requests).toHaveLength(1);
});

describe('base URLs', () => {
  test("a base URL's path stays in front of WeChat's own", async () => {
    const first = await serve({ body: GRANT });
    for (const path of ['/qyapi', '/qyapi/']) {
      await fetchToken(sourceOf([first.url + path]));
      expect(first.requests.at(-1)?.path).toMatch(/^\/qyapi\/cgi-bin\/token\?grant_type=/);
    }
  });

  test("an app's own hosts are asked instead of the platform's, with a memory of their own", async () => {
    const platform = await serve({ body: GRANT });
    const own = [await serve({ status: 503 }), await serve({ body: GRANT })];
    const source = sourceOf([platform.url]);
    const overseas = { ...shop, hosts: own.map(({ url }) => url) } satisfies App;
    await fetchToken(source, overseas);
    await fetchToken(source, overseas);
    expect(platform.requests).toHaveLength(0);
    expect(own.map(({ requests }) => requests.length)).toEqual([1, 2]);
    await fetchToken(source);
    expect(platform.requests).toHaveLength(1);
  });
});

describe('F12: HTTP/1.1 only, for a connection of HTTP/2 that broke in a freeze looks alive', () => {
  const trusted = getCACertificates('default');
  let server: Http2SecureServer;
  let versions: string[];
  let sockets: Set<Socket>;
  let key: string;
  let cert: string;

  beforeEach(async () => {
    ({ private: key, cert } = await generate([{ name: 'commonName', value: 'wechat.test' }], {
      extensions: [
        {
          name: 'subjectAltName',
          altNames: [
            { type: 2, value: 'wechat.test' },
            { type: 2, value: 'localhost' },
          ],
        },
      ],
    }));
    setDefaultCACertificates([...trusted, cert]);
    versions = [];
    sockets = new Set();
    server = createSecureServer({ key, cert, allowHTTP1: true }, (incoming, response) => {
      versions.push(incoming.httpVersion);
      response.end(JSON.stringify(GRANT));
    });
    await listen(server);
  });
  afterEach(async () => {
    setDefaultCACertificates(trusted);
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  async function listen(listener: Server): Promise<number> {
    listener.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return (listener.address() as AddressInfo).port;
  }

  const portOf = (listener: Server) => (listener.address() as AddressInfo).port;
  const tunnel = (_request: unknown, socket: Socket) => {
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    socket.pipe(connect(portOf(server), '127.0.0.1')).pipe(socket);
  };

  test('directly', async () => {
    const url = `https://localhost:${portOf(server)}`;
    await fetchToken(sourceOf([url]));
    expect(versions).toEqual(['1.1']);

    // The server would have spoken HTTP/2 with undici as it is.
    const agent = new Agent();
    await (await request(url, { dispatcher: agent })).body.dump();
    await agent.close();
    expect(versions).toEqual(['1.1', '2.0']);
  });

  test.each(['http', 'https'] as const)('through a proxy, %s', async (protocol) => {
    const agreed: unknown[] = [];
    const proxy =
      protocol === 'http'
        ? createProxy()
        : createSecureProxy({ key, cert, ALPNProtocols: ['h2', 'http/1.1'] }).on(
            'secureConnection',
            (socket: TLSSocket) => agreed.push(socket.alpnProtocol),
          );
    proxy.on('connect', tunnel);
    const port = await listen(proxy);
    egress = new EgressDispatcher(async () => `${protocol}://localhost:${port}`);
    await fetchToken(sourceOf(['https://wechat.test']));
    expect(versions).toEqual(['1.1']);
    expect(agreed).toEqual(protocol === 'http' ? [] : ['http/1.1']);
    proxy.close();
  });
});
