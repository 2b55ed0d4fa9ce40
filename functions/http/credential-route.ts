import {
  type App,
  type CredentialName,
  credentialsOf,
  type IssuedValue,
  liveValue,
} from '../core/credential.ts';
import { servedUntil } from '../core/rules/lifetimes.ts';
import { HttpError, json, parseQuery, type ReadRequest, type ReadResponse } from './http-types.ts';
import type { CachedRecord, RecordCache } from './record-cache.ts';

const SHA256_HEX = /^[0-9a-f]{64}$/;

/** `GET /apps/<app>/<credential>`: the value, and for how long it is served: the seconds, and the instant. */
export async function credentialRoute(
  app: App,
  name: CredentialName,
  request: ReadRequest,
  cache: RecordCache,
): Promise<ReadResponse> {
  const { rejected } = parseQuery(request.query, ['rejected']);
  if (rejected !== undefined && !SHA256_HEX.test(rejected)) {
    throw new HttpError(
      400,
      'invalid-parameter',
      "'rejected' is the SHA-256 of the refused value, as 64 lowercase hex digits.",
    );
  }
  const found = await cache.get(app, name, rejected);
  const { now } = found;
  const current = servable(app, name, found);
  const untilMs = found.record ? servedUntil(found.record, current, now) : now;
  const headers = {
    etag: etagOf(current, untilMs),
    // The rest of our own cache's time, so that both caches together keep a value no longer than one would.
    'cache-control': `private, max-age=${Math.max(0, Math.floor((found.freshUntilMs - now) / 1000))}`,
  };
  if (matches(request.headers['if-none-match'], headers.etag)) return { status: 304, headers, body: '' };
  return json(
    200,
    {
      [name === 'access-token' ? 'access_token' : 'ticket']: current.value,
      expires_in: Math.floor((untilMs - now) / 1000),
      expires_at: new Date(untilMs).toISOString(),
    },
    headers,
  );
}

/**
 * The value that may be served.
 *
 * @throws HttpError 404 when the app has no such credential, 503 while there is no live value
 */
export function servable(app: App, name: CredentialName, { record, now }: CachedRecord): IssuedValue {
  if (!credentialsOf(app).some((credential) => credential.name === name)) {
    throw new HttpError(
      404,
      'unknown-credential',
      `App '${app.name}' has no ${name}; add it to its tickets and deploy.`,
    );
  }
  const live = liveValue(record, app, now);
  if (live) return live;
  const rejected = record && record.rejectedAt > 0 ? ' WeChat does not accept the last one any more.' : '';
  const why = rejected + (record?.failure ? ` Last error: ${record.failure.message}` : '');
  throw new HttpError(503, 'no-live-value', `App '${app.name}' has no live ${name} at the moment.${why}`, {
    'retry-after': '5',
  });
}

/** Weak: the same value with fewer seconds left is the same answer to a cache. */
function etagOf({ fingerprint }: IssuedValue, untilMs: number): string {
  return `W/"${fingerprint.slice(0, 32)}-${untilMs}"`;
}

/** RFC 9110, 13.1.2: weak comparison, a list, or `*`. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const bare = (tag: string) => tag.trim().replace(/^W\//, '');
  return ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((tag) => bare(tag) === bare(etag));
}
