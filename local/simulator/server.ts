import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { CONTROL_PREFIX, control } from './control.ts';
import type { Gateway } from './gateway.ts';
import type { Operator } from './operator.ts';

/**
 * Speaks HTTP for the gateway, and for the operator below `CONTROL_PREFIX`. Answers that are being delayed
 * end with `signal`.
 */
export function createWechatServer(gateway: Gateway, operator: Operator, signal: AbortSignal): Server {
  return createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      // A caller that gave up, or was cut off by `close`, hears nothing any more.
      if (request.socket.destroyed) return;
      response.writeHead(500).end(`The simulator has a bug: ${(error as Error).stack}`);
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://simulator');
    const { method = 'GET', headers } = request;
    const json = parseJson(await text(request));

    if (path.startsWith(CONTROL_PREFIX)) {
      const { status, body } = control(operator, { method, path, query, json });
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      return;
    }
    const host = headers.host ?? '';
    const delivery = gateway.receive({ method, path, host, query, json: isRecord(json) ? json : undefined });
    if (delivery === 'connection-lost') {
      request.socket.destroy();
      return;
    }
    if (delivery.delayMs > 0) await wait(delivery.delayMs, undefined, { signal });
    response.writeHead(delivery.status, { 'content-type': delivery.contentType }).end(delivery.body);
  }
}

/** WeChat reads a body as JSON whatever its Content-Type says. Undefined when it is no JSON. */
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
