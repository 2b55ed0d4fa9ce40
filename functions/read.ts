import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from 'aws-lambda';
import { clientOptions } from './aws/clients.ts';
import { loadDeployment, requiredEnv } from './aws/deployment-file.ts';
import { recordReader } from './aws/record-reader.ts';
import { readApi } from './http/read-api.ts';

const { apps, cacheSeconds } = loadDeployment(import.meta.url);
const read = readApi({
  apps,
  cacheSeconds,
  store: recordReader(new DynamoDBClient(clientOptions), requiredEnv('TABLE_NAME')),
  clock: Date.now,
  nonce: () => randomBytes(12).toString('base64url'),
});

/** The read-only Function URL. Lambda has checked the signature before this runs. */
export async function handler(event: LambdaFunctionURLEvent): Promise<LambdaFunctionURLResult> {
  const { status, headers, body } = await read({
    method: event.requestContext.http.method,
    path: event.rawPath,
    query: new URLSearchParams(event.rawQueryString),
    headers: event.headers ?? {},
  });
  return { statusCode: status, headers: { ...headers }, body };
}
