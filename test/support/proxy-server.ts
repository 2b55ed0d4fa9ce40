import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { generate } from 'selfsigned';

/** A forward proxy that requires credentials, and behind it a host that terminates TLS in front of a plain HTTP server. */
export type ProxyServer = {
  /** Contains no credentials. */
  readonly url: string;
  /** Certificate of the host behind the proxy. */
  readonly certificate: string;
  /** Every CONNECT request, with its Proxy-Authorization. */
  readonly tunnels: readonly { readonly target: string; readonly authorization: string | undefined }[];
  close(): Promise<void>;
};

/**
 * @param hostname in the host's certificate
 * @param backend base URL on this machine to which the host forwards every connection
 * @param authorization the Proxy-Authorization that callers must send; others get a 407
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
