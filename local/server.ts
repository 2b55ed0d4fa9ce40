import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorResponse, HttpError, type ReadResponse } from '../functions/http/http-types.ts';
import type { ReadApi } from '../functions/http/read-api.ts';
import { answerInvocation, type Invoke, isInvocation } from './invoke-api.ts';

export type LocalServer = { readonly port: number; close(): Promise<void> };

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
      (error: unknown) => send(response, errorResponse(toHttpError(error))),
    );
  });
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new PortInUseError(port);
    }
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
  refuseForeignPages(request);
  const { method = 'GET', headers, url = '/' } = request;
  const cut = url.indexOf('?');
  const path = cut < 0 ? url : url.slice(0, cut);
  const body = await readBody(request);
  if (isInvocation(path)) return answerInvocation({ method, path, headers, body }, invoke);
  if (body === undefined) throw new HttpError(413, 'too-large', 'The body is larger than 256 KB.');
  return read({
    method,
    path,
    query: new URLSearchParams(cut < 0 ? '' : url.slice(cut + 1)),
    headers: { 'if-none-match': headers['if-none-match'] },
    body,
  });
}

const LOOPBACK_NAMES = new Set(['127.0.0.1', 'localhost']);

/**
 * Loopback keeps other machines out, but not the pages in this machine's browser: a page under a rebound DNS name
 * sends its own Host, and any other page sends an Origin.
 */
function refuseForeignPages({ headers }: IncomingMessage): void {
  const host = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (!LOOPBACK_NAMES.has(host)) {
    throw new HttpError(403, 'foreign-host', 'This server answers to 127.0.0.1 and localhost only.');
  }
  if (headers.origin !== undefined) {
    throw new HttpError(403, 'foreign-origin', 'This server does not answer web pages.');
  }
}

/** More than any event or request of ours. */
const MAX_BODY_BYTES = 256 * 1024;

/** The body as text; `undefined` when it is larger than `MAX_BODY_BYTES`. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Read to its end all the same, or the caller never sees the answer.
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString('utf8') : undefined;
}

function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  return new HttpError(500, 'internal', `Unexpected ${error instanceof Error ? error.name : 'error'}.`);
}

function send(response: ServerResponse, { status, headers, body }: ReadResponse): void {
  response.writeHead(status, { ...headers });
  response.end(body);
}
