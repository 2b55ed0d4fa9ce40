import { type App, type Credential, credentialId, liveValue } from './credential.ts';
import { MissingSecretError, SourceError } from './errors.ts';
import type { CredentialSource, Grant, Ports, Secret, SecretStore } from './ports.ts';

/** Asks WeChat for the credential; throws `SourceError`. */
export type FetchGrant = () => Promise<Grant>;

/**
 * What it takes to fetch the credential: the AppSecret for a token, a live token for a ticket.
 * `undefined`: a ticket whose app has no live token at `now`, so there is nothing to ask with.
 */
export async function prepareFetch(
  { app, name }: Credential,
  now: number,
  force: boolean,
  ports: Ports,
): Promise<FetchGrant | undefined> {
  if (name === 'access-token') return () => fetchToken(app, force, ports.secrets, ports.source);
  const tokenId = credentialId(app.name, 'access-token');
  const token = liveValue((await ports.store.read([tokenId])).get(tokenId), app, now);
  return token && (() => ports.source.fetch({ app, name, accessToken: token.value }));
}

async function fetchToken(
  app: App,
  force: boolean,
  secrets: SecretStore,
  source: CredentialSource,
): Promise<Grant> {
  const fetchWith = ({ value }: Secret) => source.fetch({ app, name: 'access-token', secret: value, force });
  const secret = await secrets.read(app);
  if (!secret) throw new MissingSecretError(app.name, secrets.whereToPut(app));
  try {
    return await fetchWith(secret);
  } catch (error) {
    if (!(error instanceof SourceError) || error.refused !== 'secret') throw error;
    // The cached secret may be the one that ops have just replaced.
    const reread = await secrets.reread(app);
    if (!reread || reread.revision === secret.revision) throw error;
    return fetchWith(reread);
  }
}

/** What an attempt is made with. When ops change any of it, waiting out a backoff would only waste time. */
export function inputsOf(app: App, secret: Secret | undefined): string {
  return `${app.appId} ${app.tokenApi} ${secret?.revision ?? 'no-secret'}`;
}
