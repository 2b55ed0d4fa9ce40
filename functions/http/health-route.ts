import {
  type App,
  type CredentialRecord,
  credentialId,
  credentialsOf,
  liveValue,
} from '../core/credential.ts';
import type { Clock, RecordStore } from '../core/ports.ts';
import { stateOf } from '../core/reporting/status.ts';
import { servedUntil } from '../core/rules/lifetimes.ts';
import { json, parseQuery, type ReadRequest, type ReadResponse } from './http-types.ts';

/**
 * `GET /health`: per credential its state (`State`) and the seconds for which it is served, no values. Always 200: it is the answer to a question, not the health of the answering function.
 */
export async function healthRoute(
  apps: readonly App[],
  request: ReadRequest,
  store: Pick<RecordStore, 'read'>,
  clock: Clock,
): Promise<ReadResponse> {
  parseQuery(request.query, []);
  const credentials = apps.flatMap(credentialsOf);
  const records = await store.read(credentials.map(({ app, name }) => credentialId(app.name, name)));
  const now = clock.now();
  const states = credentials.map(({ app, name }) => ({
    app: app.name,
    credential: name,
    ...statusOf(records.get(credentialId(app.name, name)), app, now),
  }));
  const status = states.every(({ state }) => state === 'live') ? 'ok' : 'degraded';
  return json(200, { status, credentials: states });
}

function statusOf(record: CredentialRecord | undefined, app: App, now: number) {
  const live = liveValue(record, app, now);
  const failure = record?.failure;
  return {
    state: stateOf(record, app, now),
    expires_in: record && live ? Math.floor((servedUntil(record, live, now) - now) / 1000) : 0,
    version: record?.version ?? 0,
    ...(failure && {
      last_error: { code: failure.code, message: failure.message, at: new Date(failure.at).toISOString() },
    }),
  };
}
