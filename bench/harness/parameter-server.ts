import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { SSMClient } from '@aws-sdk/client-ssm';
import {
  type ParameterInput,
  type ParameterQuotas,
  ParameterStore,
  ParameterStoreError,
} from './parameter-store.ts';

/** Parameter Store over real HTTP and in SSM's own protocol, so that the real SDK client is under test. */
export type ParameterServer = ParameterStore & {
  readonly url: string;
  /** A client that tries once. */
  readonly client: SSMClient;
  close(): Promise<void>;
};

/**
 * @param options.quotas without them no call is throttled
 * @param options.now epoch ms, by which the quotas come back
 */
export async function startParameterServer(
  options: { readonly quotas?: ParameterQuotas; readonly now?: () => number } = {},
): Promise<ParameterServer> {
  const store = new ParameterStore(options.now ?? Date.now, options.quotas);
  const server = createServer((request, response) => {
    const action = request.headers['x-amz-target']?.toString().split('.')[1] ?? '';
    void json(request).then((input) => answer(response, () => store.handle(action, input as ParameterInput)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new SSMClient({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  return Object.assign(store, {
    url,
    client,
    async close() {
      client.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  });
}

function answer(response: ServerResponse, handle: () => unknown): void {
  let status = 200;
  let body: unknown;
  try {
    body = handle();
  } catch (error) {
    const {
      type,
      message,
      status: failed,
    } = error instanceof ParameterStoreError
      ? error
      : new ParameterStoreError('InternalServerError', '', 500);
    status = failed;
    body = { __type: type, message };
  }
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify(body));
}
