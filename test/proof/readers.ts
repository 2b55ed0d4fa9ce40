import { type Credential, credentialId, credentialsOf } from '../../functions/core/credential.ts';
import { allowAnonymous } from '../../functions/http/authenticator.ts';
import { type ReadApi, readApi } from '../../functions/http/read-api.ts';
import type { MemoryWorld } from '../support/memory-ports.ts';
import { standingClock } from '../support/standing-clock.ts';
import { apps } from './stories.ts';

const credentials: readonly Credential[] = apps.flatMap(credentialsOf);

/** What apps see, of the read URL and of the mirror. */
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
      clock: standingClock(() => world.clock.now()),
      nonce: () => 'nonce',
    });
  }

  /** The values that the read URL serves, by the credential's id; it answers 503 for the others. */
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
   * What is not as it should be, once everything had its time to heal.
   *
   * @param lateMs how long a credential may be dead without our knowledge
   */
  remains(lateMs: (id: string) => number = () => 0): string[] {
    const { records, parameters, wechat, clock } = this.#world;
    return credentials.flatMap(({ app, name }) => {
      const id = credentialId(app.name, name);
      const record = records.get(id);
      if (!record?.current) return [`${id} has no value`];
      const { value } = record.current;
      return [
        clock.now() >= (wechat.validityOf(value)?.validUntil ?? 0) + lateMs(id) && 'is dead',
        record.mirroredVersion !== record.version && 'is not mirrored',
        parameters.get(id) !== value && 'has another value in the mirror',
        record.validityUnknown && 'is in doubt',
        record.leaseUntil > clock.now() && `is leased for ${record.leaseUntil - clock.now()} ms`,
      ].flatMap((remain) => (remain ? [`${id} ${remain}`] : []));
    });
  }
}
