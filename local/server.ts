import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorResponse, HttpError, type ReadResponse } from '../functions/http/http-types.ts';
import type { ReadApi } from '../functions/http/read-api.ts';
import { type Invoke, invocation, isInvocation } from './invoke-api.ts';
import { readBody } from './request-body.ts';

export type LocalServer = { readonly port: number; close(): Promise<void> };

/** The port is taken; says by whose choice and what to do. */
class PortInUseError extends Error {
  override readonly name = 'PortInUseError';
  constructor(port: number) {
    super(`Port ${port} of 127.0.0.1 is in use. Stop what listens there, or set PORT to another one.`);
  }
}

/**
 * One loopback port for both Lambdas: the read URL's routes, and the Lambda Invoke API of the refresher.
 *
 * @param port 0 takes a free one
 * @throws PortInUseError
 */
export async function serveLocally(port: number, read: ReadApi, invoke: Invoke): Promise<LocalServer> {
  const server = createServer((request, response) => {
    answer(request, read, invoke).then(
      (result) => send(response, result),
      (error: unknown) => send(response, errorResponse(asProblem(error))),
    );
  });
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
      throw new PortInUseError(port);
    throw error;
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(request: IncomingMessage, read: ReadApi, invoke: Invoke): Promise<ReadResponse> {
  refuseStrangers(request);
  const target = request.url ?? '/';
  const cut = target.indexOf('?');
  const path = cut < 0 ? target : target.slice(0, cut);
  if (isInvocation(path)) return invocation(path, request, invoke);
  const body = await readBody(request);
  if (body === undefined) throw new HttpError(413, 'too-large', 'The body is larger than 256 KB.');
  return read({
    method: request.method ?? 'GET',
    path,
    query: new URLSearchParams(cut < 0 ? '' : target.slice(cut + 1)),
    headers: { 'if-none-match': request.headers['if-none-match'] },
    body,
  });
}

const LOOPBACK_NAMES = new Set(['127.0.0.1', 'localhost']);

/**
 * Loopback keeps other machines out, but not the pages in this machine's browser: a rebound DNS name comes with its
 * own Host, and a page's request comes with an Origin.
 */
function refuseStrangers({ headers }: IncomingMessage): void {
  const host = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (!LOOPBACK_NAMES.has(host)) {
    throw new HttpError(403, 'foreign-host', 'This server answers to 127.0.0.1 and localhost only.');
  }
  if (headers.origin !== undefined) {
    throw new HttpError(403, 'foreign-origin', 'This server does not answer web pages.');
  }
}

function asProblem(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  return new HttpError(500, 'internal', `Unexpected ${error instanceof Error ? error.name : 'error'}.`);
}

function send(response: ServerResponse, { status, headers, body }: ReadResponse): void {
  response.writeHead(status, { ...headers });
  response.end(body);
}
