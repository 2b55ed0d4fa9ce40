import type { IncomingHttpHeaders } from 'node:http';
import { InvalidEventError } from '../functions/events/event-error.ts';
import { json, type ReadResponse } from '../functions/http/http-types.ts';

/** Runs one event, as the refresh function would. */
export type Invoke = (event: unknown) => Promise<unknown>;

export type InvokeRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Undefined: larger than the server reads. */
  readonly body: string | undefined;
};

const INVOCATIONS = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

export function isInvocation(path: string): boolean {
  return path.startsWith('/2015-03-31/');
}

/**
 * The Lambda Invoke API, as far as `aws lambda invoke` and the SDKs need it for a manual refresh:
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html. Signatures are not checked: the port is reachable
 * from this machine only.
 */
export async function answerInvocation(request: InvokeRequest, invoke: Invoke): Promise<ReadResponse> {
  const functionName = INVOCATIONS.exec(request.path)?.[1];
  if (functionName !== 'refresh') {
    return invokeError(
      404,
      'ResourceNotFoundException',
      'Function not found; local mode has one function: refresh.',
    );
  }
  if (request.method !== 'POST') {
    return invokeError(405, 'MethodNotAllowedException', 'An invocation is a POST.');
  }
  if (request.body === undefined) {
    return invokeError(413, 'RequestTooLargeException', 'The event is larger than 256 KB.');
  }
  let event: unknown;
  try {
    event = request.body === '' ? {} : JSON.parse(request.body);
  } catch {
    return invokeError(400, 'InvalidRequestContentException', 'The event is not JSON.');
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

function invokeError(status: number, type: string, message: string): ReadResponse {
  return json(status, { Type: 'User', Message: message, message }, { 'x-amzn-errortype': type });
}
