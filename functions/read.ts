import { randomBytes } from 'node:crypto';
import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from 'aws-lambda';
import { loadDeployment, requiredEnv } from './aws/deployment-file.ts';
import { readerKeyLookup } from './aws/reader-key-lookup.ts';
import { recordReader } from './aws/record-reader.ts';
import { signedBatchGet } from './aws/signed-batch-get.ts';
import { everybody, keyGuard } from './http/guard.ts';
import { readApi } from './http/read-api.ts';

const { apps, readAuth, refreshAfterMinutes, cacheSeconds } = loadDeployment(import.meta.url);
const batchGet = signedBatchGet();
const tableName = requiredEnv('TABLE_NAME');
const read = readApi({
  apps,
  // With IAM, Lambda has checked the signature before this runs.
  guard: readAuth === 'iam' ? everybody : keyGuard(readerKeyLookup(batchGet, tableName), Date.now),
  refreshAfterMs: refreshAfterMinutes * 60_000,
  cacheSeconds,
  store: recordReader(batchGet, tableName),
  clock: Date.now,
  nonce: () => randomBytes(12).toString('base64url'),
});

/** The read-only Function URL. */
export async function handler(event: LambdaFunctionURLEvent): Promise<LambdaFunctionURLResult> {
  const { status, headers, body } = await read({
    method: event.requestContext.http.method,
    path: event.rawPath,
    query: new URLSearchParams(event.rawQueryString),
    headers: event.headers ?? {},
    body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8').toString('utf8'),
  });
  return { statusCode: status, headers: { ...headers }, body };
}
