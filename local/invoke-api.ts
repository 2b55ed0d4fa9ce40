import type { IncomingMessage } from 'node:http';
import { InvalidEventError } from '../functions/events/event-error.ts';
import { json, type ReadResponse } from '../functions/http/http-types.ts';
import { readBody } from './request-body.ts';

/** Runs one event, as the refresh function would. */
export type Invoke = (event: unknown) => Promise<unknown>;

const PATH = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

export function isInvocation(path: string): boolean {
  return path.startsWith('/2015-03-31/');
}

/**
 * The Lambda Invoke API, as far as `aws lambda invoke` and the SDKs need it for a manual refresh:
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html. Signatures are not checked; loopback is the guard.
 */
export async function invocation(
  path: string,
  request: IncomingMessage,
  invoke: Invoke,
): Promise<ReadResponse> {
  const functionName = PATH.exec(path)?.[1];
  if (functionName !== 'refresh') {
    return fault(
      404,
      'ResourceNotFoundException',
      'Function not found; local mode has one function: refresh.',
    );
  }
  if (request.method !== 'POST') {
    return fault(405, 'MethodNotAllowedException', 'An invocation is a POST.');
  }
  const body = await readBody(request);
  if (body === undefined) return fault(413, 'RequestTooLargeException', 'The event is larger than 256 KB.');
  let event: unknown;
  try {
    event = body === '' ? {} : JSON.parse(body);
  } catch {
    return fault(400, 'InvalidRequestContentException', 'The event is not JSON.');
  }
  const invocationType = request.headers['x-amz-invocation-type'];
  if (invocationType === 'DryRun') return { status: 204, headers: {}, body: '' };
  if (invocationType === 'Event') {
    invoke(event).catch(() => undefined);
    return { status: 202, headers: {}, body: '' };
  }
  return run(event, invoke);
}

async function run(event: unknown, invoke: Invoke): Promise<ReadResponse> {
  const executed = { 'x-amz-executed-version': '$LATEST' };
  try {
    return json(200, await invoke(event), executed);
  } catch (error) {
    if (!(error instanceof InvalidEventError)) throw error;
    // A function that throws is a 200 with this header; the body is what Lambda makes of the error.
    return json(
      200,
      { errorType: error.name, errorMessage: error.message, trace: [] },
      { ...executed, 'x-amz-function-error': 'Unhandled' },
    );
  }
}

function fault(status: number, type: string, message: string): ReadResponse {
  return json(status, { Type: 'User', Message: message, message }, { 'x-amzn-errortype': type });
}
