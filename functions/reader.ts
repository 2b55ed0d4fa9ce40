import { randomBytes } from 'node:crypto';
import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from 'aws-lambda';
import { readerKeyLookup } from './aws/reader-key-item.ts';
import { type BatchGet, recordReader } from './aws/record-reader.ts';
import type { Deployment } from './deployment.ts';
import { allowAnonymous, readerKeyAuthenticator } from './http/authenticator.ts';
import { readApi } from './http/read-api.ts';
import { systemClock } from './system-clock.ts';

export type ReadHandler = (event: LambdaFunctionURLEvent) => Promise<LambdaFunctionURLResult>;

/** The read-only URL behind either front end, Function URL or HTTP API: both send payloads of version 2.0. */
export function createReader(deployment: Deployment, tableName: string, batchGet: BatchGet): ReadHandler {
  const {
    apps,
    refreshAfterMinutes,
    readUrl: { auth, cacheSeconds },
  } = deployment;
  const read = readApi({
    apps,
    // With IAM, AWS has checked the signature before this runs.
    authenticator:
      auth === 'iam'
        ? allowAnonymous
        : readerKeyAuthenticator(readerKeyLookup(batchGet, tableName), systemClock),
    refreshAfterMs: refreshAfterMinutes * 60_000,
    cacheSeconds,
    store: recordReader(batchGet, tableName),
    clock: systemClock,
    nonce: () => randomBytes(12).toString('base64url'),
  });
  return async (event) => {
    const { status, headers, body } = await read({
      method: event.requestContext.http.method,
      path: event.rawPath,
      query: new URLSearchParams(event.rawQueryString),
      headers: event.headers ?? {},
      body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8').toString('utf8'),
    });
    return { statusCode: status, headers: { ...headers }, body };
  };
}
