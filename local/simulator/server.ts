import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { answerControlRequest, CONTROL_PREFIX } from './control-api.ts';
import type { Operator } from './operator.ts';
import type { RequestHandler } from './request-handler.ts';

export type SimulatorServer = {
  /** Base URL without a slash at the end. */
  readonly url: string;
  /** Cuts every connection, also those that wait for a delayed answer. */
  close(): Promise<void>;
};

/**
 * Serves WeChat's routes, and the control API below `CONTROL_PREFIX`, on 127.0.0.1.
 *
 * @param port 0 takes a free one
 * @throws Error with `code: 'EADDRINUSE'` when the port is taken
 */
export async function serveSimulator(
  handler: RequestHandler,
  operator: Operator,
  port: number,
): Promise<SimulatorServer> {
  const closing = new AbortController();
  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => {
      // The caller gave up, or `close` cut the connection.
      if (request.socket.destroyed) return;
      response.writeHead(500).end(`The simulator has a bug: ${(error as Error).stack}`);
    });
  });

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Two slashes at the start would make a host of what follows.
    const target = request.url?.replace(/^\/+/, '/') ?? '/';
    const { pathname: path, searchParams: query } = new URL(target, 'http://simulator');
    const { method = 'GET', headers } = request;
    const json = parseJson(await text(request));

    if (path.startsWith(CONTROL_PREFIX)) {
      const { status, body } = answerControlRequest(operator, { method, path, query, json });
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      return;
    }
    const host = headers.host ?? '';
    const answer = handler.handle({ method, path, host, query, json: isRecord(json) ? json : undefined });
    if (answer === 'connection-lost') {
      request.socket.destroy();
      return;
    }
    if (answer.delayMs > 0) await wait(answer.delayMs, undefined, { signal: closing.signal });
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }

  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      closing.abort();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Whatever the Content-Type says, as WeChat does. Undefined for what is not JSON. */
function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function isRecord(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
