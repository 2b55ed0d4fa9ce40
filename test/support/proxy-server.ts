import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { generate } from 'selfsigned';

/** A forward proxy as companies have them, and behind it a host that speaks TLS in front of a server without. */
export type ProxyServer = {
  /** Without credentials. */
  readonly url: string;
  /** The certificate of the host behind it. */
  readonly certificate: string;
  /** What callers asked for, and with which Proxy-Authorization. */
  readonly tunnels: readonly { readonly target: string; readonly authorization: string | undefined }[];
  close(): Promise<void>;
};

/**
 * @param hostname whose tunnels it opens, all of them to `backend` (a base URL of this machine)
 * @param authorization what callers must show; others get a 407
 */
export async function startProxyServer(
  hostname: string,
  backend: string,
  authorization: string,
): Promise<ProxyServer> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: hostname }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: hostname }] }],
  });
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    return socket;
  };
  const host = createTlsServer({ key, cert }, (socket) => {
    track(socket)
      .pipe(track(connect(Number(new URL(backend).port), '127.0.0.1')))
      .pipe(socket);
  });
  const tunnels: { target: string; authorization: string | undefined }[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket: Socket) => {
    track(socket);
    const shown = request.headers['proxy-authorization'];
    tunnels.push({ target: request.url ?? '', authorization: shown });
    if (shown !== authorization) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    socket.pipe(track(connect((host.address() as AddressInfo).port, '127.0.0.1'))).pipe(socket);
  });
  for (const server of [host, proxy]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    certificate: cert,
    tunnels,
    async close() {
      for (const socket of sockets) socket.destroy();
      for (const server of [host, proxy]) {
        const closed = once(server, 'close');
        server.close();
        await closed;
      }
    },
  };
}
