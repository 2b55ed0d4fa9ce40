import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SSMClient } from '@aws-sdk/client-ssm';

/** The operations of SSM Parameter Store that the refresher uses, over real HTTP, so that the real SDK client is under test. */
export type ParameterServer = {
  readonly url: string;
  readonly client: SSMClient;
  /** Every successful PutParameter, in order. */
  readonly writes: readonly { readonly name: string; readonly value: string; readonly type: string }[];
  get(name: string): string | undefined;
  put(name: string, value: string): void;
  remove(name: string): void;
  /** While true every call fails with a 500. */
  down: boolean;
  close(): Promise<void>;
};

type Stored = { value: string; type: string; version: number; modifiedSeconds: number };

export async function startParameterServer(): Promise<ParameterServer> {
  const stored = new Map<string, Stored>();
  const writes: { name: string; value: string; type: string }[] = [];
  let down = false;

  const put = (name: string, value: string, type: string) => {
    const version = (stored.get(name)?.version ?? 0) + 1;
    stored.set(name, { value, type, version, modifiedSeconds: Date.now() / 1000 });
    return version;
  };
  const server = createServer((request, response) => {
    void readJson(request).then((body) => {
      if (down) return answer(response, 500, { __type: 'InternalServerError', message: 'down' });
      const operation = request.headers['x-amz-target']?.toString().split('.')[1];
      if (operation === 'PutParameter') {
        if (stored.has(body.Name) && body.Overwrite !== true) {
          return answer(response, 400, { __type: 'ParameterAlreadyExists', message: body.Name });
        }
        writes.push({ name: body.Name, value: body.Value, type: body.Type });
        return answer(response, 200, { Version: put(body.Name, body.Value, body.Type), Tier: 'Standard' });
      }
      const found = stored.get(body.Name);
      if (!(operation === 'GetParameter' || operation === 'DeleteParameter') || !found) {
        return answer(response, 400, { __type: 'ParameterNotFound', message: body.Name });
      }
      if (operation === 'DeleteParameter') {
        stored.delete(body.Name);
        return answer(response, 200, {});
      }
      const sealed = found.type === 'SecureString' && body.WithDecryption !== true;
      return answer(response, 200, {
        Parameter: {
          Name: body.Name,
          Type: found.type,
          Value: sealed ? 'ciphertext' : found.value,
          Version: found.version,
          LastModifiedDate: found.modifiedSeconds,
        },
      });
    });
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
  return {
    url,
    client,
    writes,
    get: (name) => stored.get(name)?.value,
    put: (name, value) => void put(name, value, 'SecureString'),
    remove: (name) => void stored.delete(name),
    get down() {
      return down;
    },
    set down(value) {
      down = value;
    },
    async close() {
      client.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

type Body = { Name: string; Value: string; Type: string; Overwrite?: boolean; WithDecryption?: boolean };

async function readJson(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify(body));
}
