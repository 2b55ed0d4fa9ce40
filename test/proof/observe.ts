import { type MemoryWorld, nonWaitingClock } from '../../bench/harness/memory-world.ts';
import { type Credential, credentialId, credentialsOf } from '../../functions/core/credential.ts';
import { allowAnonymous } from '../../functions/http/authenticator.ts';
import { type ReadApi, readApi } from '../../functions/http/read-api.ts';
import type { Operator } from '../../local/simulator/operator.ts';
import { apps } from './configuration.ts';

const credentials: readonly Credential[] = apps.flatMap(credentialsOf);

/** What apps see: the read URL's answers and the mirror. */
export class Readers {
  readonly #world: MemoryWorld;
  readonly #read: ReadApi;

  constructor(world: MemoryWorld) {
    this.#world = world;
    this.#read = readApi({
      apps,
      authenticator: allowAnonymous,
      refreshAfterMs: 6_000_000,
      cacheSeconds: 0,
      store: world.ports().store,
      clock: nonWaitingClock(() => world.clock.now()),
      nonce: () => 'nonce',
    });
  }

  /** The values that the read URL serves, by the credential's id; without those for which it answers 503. */
  async served(): Promise<Map<string, string>> {
    const values = new Map<string, string>();
    for (const { app, name } of credentials) {
      const path = `/apps/${app.name}/${name}`;
      const request = { method: 'GET', path, query: new URLSearchParams(), headers: {}, body: '' };
      const { status, body } = await this.#read(request);
      if (status === 503) continue;
      if (status !== 200) throw new Error(`${path} answered ${status}`);
      const { access_token, ticket } = JSON.parse(body);
      values.set(credentialId(app.name, name), access_token ?? ticket);
    }
    return values;
  }

  /**
   * Everything that is still wrong, when there was enough time to heal.
   *
   * @param allowedMs how long a credential may have been invalid without our knowledge
   */
  defects(allowedMs: (id: string) => number = () => 0): string[] {
    const { records, parameters, wechat, clock } = this.#world;
    return credentials.flatMap(({ app, name }) => {
      const id = credentialId(app.name, name);
      const record = records.get(id);
      if (!record?.current) return [`${id} has no value`];
      const { value } = record.current;
      return [
        clock.now() >= (wechat.validityOf(value)?.validUntil ?? 0) + allowedMs(id) && 'is invalid',
        record.mirroredVersion !== record.version && 'is not mirrored',
        parameters.get(id) !== value && 'has another value in the mirror',
        record.validityUnknown && 'is of unknown validity',
        record.leaseUntil > clock.now() && `is leased for ${record.leaseUntil - clock.now()} ms`,
      ].flatMap((defect) => (defect ? [`${id} ${defect}`] : []));
    });
  }
}

const GRANTING_ROUTES = /token$|ticket$|ticket\/get$/;

/** How often WeChat has granted a token or a ticket, unchanged ones included: by interface and account. */
export function grantsOf(wechat: Operator): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { route, outcome, appId, corpId } of wechat.calls()) {
    if (outcome !== 'ok' || !GRANTING_ROUTES.test(route)) continue;
    const key = `${route} of ${appId ?? corpId}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}
