import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { QuotaCleared } from '../functions/core/clear-quota.ts';
import type { Diagnosis } from '../functions/core/reporting/diagnosis.ts';
import type { CredentialResult } from '../functions/core/reporting/results.ts';
import type { StatusReport } from '../functions/core/reporting/status.ts';
import type { InvalidEventError } from '../functions/events/event-error.ts';
import { CliError } from './cli-error.ts';

/**
 * The refresh function, deployed or local.
 *
 * @throws CliError from every method: `usage` for arguments that the function rejects, else why it could not answer
 */
export type RefresherClient = {
  /** The state of every credential, or of one app's; one read of the table for any number of apps. */
  status(app?: string): Promise<StatusReport>;
  diagnose(app: string): Promise<Diagnosis>;
  /** Resets the day's quota of the app's account; a refusal is in the answer. */
  clearQuota(app: string): Promise<QuotaCleared>;
  /** A manual refresh: the events in README.md. */
  refresh(event: {
    app: string;
    force?: true;
    reason?: string;
    credential?: string;
  }): Promise<CredentialResult[]>;
};

/** The response to an invocation: the function's answer or, if it failed, Lambda's description of its error. */
export type Invocation = { readonly failed: boolean; readonly payload: string };

/** @param invoke invokes the function synchronously with an event as JSON */
export function refresherClient(invoke: (event: string) => Promise<Invocation>): RefresherClient {
  async function ask<T>(event: object, field: string): Promise<T> {
    const { failed, payload } = await invoke(JSON.stringify(event));
    const answer: unknown = JSON.parse(payload);
    if (failed) throw asInvocationError(answer as FunctionError);
    if (typeof answer !== 'object' || answer === null || !(field in answer)) {
      throw new CliError(
        'problem',
        'The refresh function has another version than this command: deploy again.',
      );
    }
    return (answer as Record<string, T>)[field] as T;
  }
  return {
    status: (app) => ask({ status: true, ...(app !== undefined && { app }) }, 'status'),
    diagnose: (app) => ask({ diagnose: true, app }, 'diagnosis'),
    clearQuota: (app) => ask({ clearQuota: true, app }, 'quotaCleared'),
    refresh: (event) => ask(event, 'results'),
  };
}

/** https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html */
type FunctionError = { readonly errorType?: string; readonly errorMessage?: string };

const INVALID_EVENT: InvalidEventError['name'] = 'InvalidEventError';

/** The fields of an event are the command's arguments, so the message of an invalid event names what to correct. */
function asInvocationError({ errorType, errorMessage }: FunctionError): CliError {
  return new CliError(
    errorType === INVALID_EVENT ? 'usage' : 'problem',
    errorMessage ?? 'The refresh function failed; its log says why.',
  );
}

/** The deployed function, by Lambda's Invoke. */
export function deployedRefresher(lambda: LambdaClient, functionName: string): RefresherClient {
  return refresherClient(async (event) => {
    const { InvokeCommand } = await import('@aws-sdk/client-lambda');
    const { FunctionError, Payload } = await lambda.send(
      new InvokeCommand({ FunctionName: functionName, Payload: event }),
    );
    return { failed: FunctionError !== undefined, payload: Payload?.transformToString() ?? 'null' };
  });
}

/** Local mode has the same API on its own port, without signatures. */
export function localRefresher(url: string): RefresherClient {
  return refresherClient(async (event) => {
    const response = await fetch(new URL('/2015-03-31/functions/refresh/invocations', url), {
      method: 'POST',
      body: event,
    }).catch(() => {
      throw new CliError(
        'unavailable',
        `Nothing answers on ${url}: start local mode with \`npm start\`, or give its address: --local http://127.0.0.1:8787`,
      );
    });
    if (!response.ok) {
      throw new CliError(
        'unavailable',
        `${url} answers with ${response.status}; it is not local mode of this version.`,
      );
    }
    return { failed: response.headers.has('x-amz-function-error'), payload: await response.text() };
  });
}
