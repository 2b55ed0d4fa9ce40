import type http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { sign } from 'aws4';
import pRetry from 'p-retry';
import { requiredEnv } from '../deployment.ts';
import { defaultProvider } from './environment-credentials.ts';
import type { BatchGet } from './record-reader.ts';

/** As clients.ts has it for the SDK: three tries of three seconds. */
const TIMEOUT_MS = 3_000;
const RETRIES = 2;
const RETRIABLE = /^(Throttling|ProvisionedThroughputExceeded|RequestLimitExceeded|InternalServerError)/;

/** DynamoDB answered with an error; `name` is DynamoDB's own. */
class DynamoDbError extends Error {
  readonly retriable: boolean;

  constructor(status: number, body: string) {
    const type = /"__type":"(?:[^"#]*#)?(\w+)"/.exec(body)?.[1] ?? `Http${status}`;
    super(`DynamoDB answered ${status} ${type}`);
    this.name = type;
    this.retriable = status >= 500 || RETRIABLE.test(type);
  }
}

/**
 * BatchGetItem without the SDK, by DynamoDB's own protocol:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html.
 * Nine tenths of the read function would be the SDK, and four fifths of its cold start, for this one call
 * (docs/decisions/0009-the-read-function-signs-its-own-reads.md).
 * The environment is the one that Lambda hands to the SDK.
 */
export function signedBatchGet(): BatchGet {
  const region = requiredEnv('AWS_REGION');
  const url = endpointOf(region);
  const { Agent, request } = protocolOf(url);
  const agent = new Agent({ keepAlive: true });
  const credentials = defaultProvider();

  async function send(body: string): Promise<string> {
    const { headers } = sign(
      {
        service: 'dynamodb',
        region,
        headers: {
          Host: url.host,
          'Content-Type': 'application/x-amz-json-1.0',
          'X-Amz-Target': 'DynamoDB_20120810.BatchGetItem',
        },
        body,
      },
      await credentials(),
    );
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const options = { method: 'POST', headers, agent, signal: AbortSignal.timeout(TIMEOUT_MS) };
    const sent = request(url, options, (response) => {
      const { statusCode = 0 } = response;
      text(response)
        .then((answer) =>
          statusCode === 200 ? resolve(answer) : reject(new DynamoDbError(statusCode, answer)),
        )
        .catch(reject);
    });
    sent.on('error', reject);
    sent.end(body);
    return promise;
  }

  return async (keys) => {
    const body = JSON.stringify({ RequestItems: keys });
    const answer = await pRetry(() => send(body), {
      retries: RETRIES,
      minTimeout: 25,
      randomize: true,
      shouldRetry: ({ error }) => !(error instanceof DynamoDbError) || error.retriable,
    });
    return JSON.parse(answer);
  };
}

function endpointOf(region: string): URL {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const { AWS_ENDPOINT_URL_DYNAMODB: ofDynamoDb, AWS_ENDPOINT_URL: ofAll } = process.env;
  return new URL(ofDynamoDb ?? ofAll ?? `https://dynamodb.${region}.${suffix}`);
}

/** Plain HTTP is for an emulator. Not by `import`, which would load all that node:http exports, a WebSocket among it: 30 ms. */
function protocolOf({ protocol }: URL): Pick<typeof http, 'Agent' | 'request'> {
  return protocol === 'https:' ? https : process.getBuiltinModule('node:http');
}
