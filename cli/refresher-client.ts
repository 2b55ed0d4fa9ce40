import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { Diagnosis } from '../functions/core/reporting/diagnosis.ts';
import type { CredentialResult } from '../functions/core/reporting/results.ts';
import type { StatusReport } from '../functions/core/reporting/status.ts';
import { CliError } from './cli-error.ts';

/** The refresh function, deployed or local: it does what is to be done, and knows what there is to know. */
export type RefresherClient = {
  /** One read of the table for however many apps; of one app, if it is named. */
  status(app?: string): Promise<StatusReport>;
  diagnose(app: string): Promise<Diagnosis>;
  /** A manual refresh: DESIGN.md section 5. */
  refresh(event: {
    app: string;
    force?: true;
    reason?: string;
    credential?: string;
  }): Promise<CredentialResult[]>;
};

/** What came back of an invocation: the function's answer, or that of its error. */
export type Invocation = { readonly failed: boolean; readonly payload: string };

/** @param invoke one synchronous call of the function with this event as JSON */
export function refresherClient(invoke: (event: string) => Promise<Invocation>): RefresherClient {
  async function ask<T>(event: object, field: string): Promise<T> {
    const { failed, payload } = await invoke(JSON.stringify(event));
    const answer: unknown = JSON.parse(payload);
    if (failed) throw refused(answer);
    if (typeof answer !== 'object' || answer === null || !(field in answer)) {
      throw new CliError(
        'problem',
        'The refresh function is of another version than this command: deploy again.',
      );
    }
    return (answer as Record<string, T>)[field] as T;
  }
  return {
    status: (app) => ask({ status: true, ...(app !== undefined && { app }) }, 'status'),
    diagnose: (app) => ask({ diagnose: true, app }, 'diagnosis'),
    refresh: (event) => ask(event, 'results'),
  };
}

const REFUSAL = 'The event was refused: ';

/** The function refuses an event by the names of its fields: those are our arguments. */
function refused(answer: unknown): CliError {
  const { errorMessage } = answer as { errorMessage?: string };
  if (errorMessage?.startsWith(REFUSAL)) return new CliError('usage', errorMessage.slice(REFUSAL.length));
  return new CliError('problem', errorMessage ?? 'The refresh function failed; its log says why.');
}

/** In the cloud, by Lambda's Invoke. */
export function deployedRefresher(lambda: LambdaClient, functionName: string): RefresherClient {
  return refresherClient(async (event) => {
    const { InvokeCommand } = await import('@aws-sdk/client-lambda');
    const { FunctionError, Payload } = await lambda.send(
      new InvokeCommand({ FunctionName: functionName, Payload: event }),
    );
    return { failed: FunctionError !== undefined, payload: Payload?.transformToString() ?? 'null' };
  });
}

/** Local mode speaks the same API on its own port, and asks for no signature. */
export function localRefresher(url: string): RefresherClient {
  return refresherClient(async (event) => {
    const response = await fetch(new URL('/2015-03-31/functions/refresh/invocations', url), {
      method: 'POST',
      body: event,
    }).catch(() => {
      throw new CliError(
        'unavailable',
        `Nothing answers on ${url}: start local mode with \`npm start\`, or name its address: --local http://127.0.0.1:8787`,
      );
    });
    if (!response.ok) {
      throw new CliError(
        'unavailable',
        `${url} answers with ${response.status}; it is no local mode of this version.`,
      );
    }
    return { failed: response.headers.has('x-amz-function-error'), payload: await response.text() };
  });
}
