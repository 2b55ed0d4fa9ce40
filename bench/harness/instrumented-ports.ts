import { credentialId } from '../../functions/core/credential.ts';
import type { Ports } from '../../functions/core/ports.ts';

export type CallName =
  | 'store.read'
  | 'store.swap'
  | 'mirror.write'
  | 'secrets.read'
  | 'secrets.reread'
  | 'source.fetch'
  | 'source.accepts'
  | 'source.countCalls'
  | 'notices.send';

/**
 * Wraps one call that leaves the core.
 *
 * @param subject id of the credential, or name of the app, that the call is for
 */
export type Wrapper = <T>(name: CallName, subject: string, call: () => Promise<T>) => Promise<T>;

/** The same ports, with every call that leaves the core passed to `wrap`, in the order in which they are made. */
export function instrumented(ports: Ports, wrap: Wrapper): Ports {
  const { store, mirror, secrets, source, notices } = ports;
  return {
    ...ports,
    store: {
      read: (ids) => wrap('store.read', ids.join(), () => store.read(ids)),
      swap: (seen, next) => wrap('store.swap', next.id, () => store.swap(seen, next)),
    },
    mirror: {
      write: (credential, value) =>
        wrap('mirror.write', credentialId(credential.app.name, credential.name), () =>
          mirror.write(credential, value),
        ),
    },
    secrets: {
      read: (app) => wrap('secrets.read', app.name, () => secrets.read(app)),
      reread: (app) => wrap('secrets.reread', app.name, () => secrets.reread(app)),
      whereToPut: secrets.whereToPut,
    },
    source: {
      fetch: (request) =>
        wrap('source.fetch', credentialId(request.app.name, request.name), () => source.fetch(request)),
      accepts: (app, accessToken) => wrap('source.accepts', app.name, () => source.accepts(app, accessToken)),
      countCalls: (app, accessToken) =>
        wrap('source.countCalls', app.name, () => source.countCalls(app, accessToken)),
    },
    notices: {
      send: (notice) =>
        wrap('notices.send', credentialId(notice.app, notice.credential), () => notices.send(notice)),
    },
  };
}
