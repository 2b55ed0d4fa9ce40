import { type App, type CredentialName, credentialNames } from '../core/credential.ts';
import type { Clock, RecordStore } from '../core/ports.ts';
import { type Authenticator, KeyRefusedError } from './authenticator.ts';
import { credentialRoute } from './credential-route.ts';
import { healthRoute } from './health-route.ts';
import {
  errorResponse,
  HttpError,
  type ReadRequest,
  type ReadResponse,
  redactForMessage,
} from './http-types.ts';
import { recordCache } from './record-cache.ts';
import { type SignatureName, signatureNames, signatureRoute } from './signature-route.ts';
import { compatibleApi, isCompatible } from './wechat-compatible/api.ts';

export type ReadApi = (request: ReadRequest) => Promise<ReadResponse>;

/**
 * The read-only URL, native and WeChat-compatible routes: docs/architecture.md#the-way-of-a-read. Never throws, never writes.
 *
 * @param nonce the random string of a signature
 */
export function readApi(parts: {
  apps: readonly App[];
  authenticator: Authenticator;
  refreshAfterMs: number;
  cacheSeconds: number;
  store: Pick<RecordStore, 'read'>;
  clock: Clock;
  nonce: () => string;
}): ReadApi {
  const { apps, authenticator, store, clock, nonce } = parts;
  const byName = new Map(apps.map((app) => [app.name, app]));
  const cacheMs = parts.cacheSeconds * 1000;
  const cache = recordCache(store, cacheMs, clock);
  const compatible = compatibleApi({ ...parts, cache, cacheMs });

  async function answer(request: ReadRequest): Promise<ReadResponse> {
    if (isCompatible(request.path)) return compatible(request);
    const route = routeOf(request.path);
    if (!route) throw new HttpError(404, 'unknown-route', ROUTES);
    if (request.method !== 'GET') {
      throw new HttpError(405, 'method-not-allowed', 'This URL only reads: use GET.', { allow: 'GET' });
    }
    const mayRead = await authenticator.authenticate(bearerOf(request));
    if (route === 'health') return healthRoute(apps.filter(mayRead), request, store, clock);
    const app = byName.get(route.appName);
    if (!app) {
      throw new HttpError(
        404,
        'unknown-app',
        `No app '${redactForMessage(route.appName)}' is configured; see /health for their names.`,
      );
    }
    if (!mayRead(app)) {
      throw new HttpError(403, 'out-of-scope', `This reader key is not for app '${app.name}'.`);
    }
    return isSignature(route.resource)
      ? signatureRoute(app, route.resource, request, { cache, nonce })
      : credentialRoute(app, route.resource, request, cache);
  }

  return async (request) => {
    try {
      return await answer(request);
    } catch (error) {
      if (error instanceof HttpError) return errorResponse(error);
      return errorResponse(error instanceof KeyRefusedError ? unauthorized(error) : storeUnreachable(error));
    }
  };
}

function bearerOf({ headers }: ReadRequest): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(headers['authorization'] ?? '')?.[1];
}

/** RFC 6750, section 3. */
function unauthorized({ code, message }: KeyRefusedError): HttpError {
  return new HttpError(401, code, `${message} Send it as 'Authorization: Bearer wtk_…'.`, {
    'www-authenticate': code === 'no-key' ? 'Bearer' : 'Bearer error="invalid_token"',
  });
}

type Resource = CredentialName | SignatureName;
const resources: readonly Resource[] = [...credentialNames, ...signatureNames];

const ROUTES = `There is no such route. There are ${resources.map((name) => `/apps/<app>/${name}`).join(', ')}, /health, and WeChat's own under /cgi-bin/.`;

type Route = 'health' | { readonly appName: string; readonly resource: Resource };

function isSignature(resource: Resource): resource is SignatureName {
  return signatureNames.some((name) => name === resource);
}

function routeOf(path: string): Route | undefined {
  if (path === '/health') return 'health';
  const [root, appName, name, ...rest] = path.split('/').slice(1);
  const resource = resources.find((each) => each === name);
  return root === 'apps' && appName && resource && rest.length === 0 ? { appName, resource } : undefined;
}

/** Only the error's name goes out: the table is the one thing that can fail here, and its message is for its owner. */
function storeUnreachable(error: unknown): HttpError {
  const name = error instanceof Error ? error.name : 'unknown error';
  return new HttpError(503, 'table-unreachable', `The table did not answer (${name}); try again.`, {
    'retry-after': '1',
  });
}
