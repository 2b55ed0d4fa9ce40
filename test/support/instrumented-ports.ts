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
  | 'notices.send';

/**
 * Wraps one call that leaves the core.
 *
 * @param about id of the credential, or whatever else the call is about
 */
export type Around = <T>(name: CallName, about: string, call: () => Promise<T>) => Promise<T>;

/** The same ports, with every call that leaves the core going through `around`, in the order in which they are made. */
export function instrumented(ports: Ports, around: Around): Ports {
  const { store, mirror, secrets, source, notices } = ports;
  return {
    ...ports,
    store: {
      read: (ids) => around('store.read', ids.join(), () => store.read(ids)),
      swap: (seen, next) => around('store.swap', next.id, () => store.swap(seen, next)),
    },
    mirror: {
      write: (credential, value) =>
        around('mirror.write', credentialId(credential.app.name, credential.name), () =>
          mirror.write(credential, value),
        ),
    },
    secrets: {
      read: (app) => around('secrets.read', app.name, () => secrets.read(app)),
      reread: (app) => around('secrets.reread', app.name, () => secrets.reread(app)),
      whereToPut: secrets.whereToPut,
    },
    source: {
      fetch: (order) =>
        around('source.fetch', credentialId(order.app.name, order.name), () => source.fetch(order)),
      accepts: (app, accessToken) =>
        around('source.accepts', app.name, () => source.accepts(app, accessToken)),
    },
    notices: {
      send: (notice) =>
        around('notices.send', credentialId(notice.app, notice.credential), () => notices.send(notice)),
    },
  };
}
