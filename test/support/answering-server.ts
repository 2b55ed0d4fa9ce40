import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';

/** What a server in WeChat's place sends, for answers that the simulator does not know. */
export type Reply = {
  /** @default 200 */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. @default '' */
  readonly body?: string | Buffer | object;
  /** `silent`: no answer; `broken`: the connection ends instead; `cut`: it ends after the body, which should be longer. */
  readonly fault?: 'silent' | 'broken' | 'cut';
};

export type AnsweringServer = {
  readonly url: string;
  readonly requests: readonly { method: string; path: string; body: string; headers: IncomingHttpHeaders }[];
  close(): Promise<void>;
};

/**
 * @param reply what the request with this index is answered with, counted from 0
 * @param tls makes it an HTTPS server
 */
export async function startAnsweringServer(
  reply: (index: number, path: string) => Reply,
  tls?: { readonly key: string; readonly cert: string },
): Promise<AnsweringServer> {
  const requests: { method: string; path: string; body: string; headers: IncomingHttpHeaders }[] = [];
  const sockets = new Set<Socket>();
  const server = tls ? createSecureServer(tls) : createServer();
  server.on('request', async (request, response) => {
    const path = request.url ?? '';
    const index = requests.length;
    const received = { method: request.method ?? '', path, body: '', headers: request.headers };
    requests.push(received);
    received.body = await text(request).catch(() => '');
    send(response, reply(index, path));
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function send(response: ServerResponse, { status = 200, headers = {}, body = '', fault }: Reply): void {
  if (fault === 'silent') return;
  if (fault === 'broken') {
    response.destroy();
    return;
  }
  const bytes = Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
  if (fault === 'cut') {
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(bytes) + 100 });
    response.write(bytes, () => setTimeout(() => response.destroy(), 20));
    return;
  }
  response.writeHead(status, headers);
  response.end(bytes);
}
