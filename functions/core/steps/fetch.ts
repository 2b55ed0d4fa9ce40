import {
  type App,
  accountOf,
  type Credential,
  type CredentialRecord,
  type IssuedValue,
  type TicketName,
  type WechatApp,
} from '../credential.ts';
import { MissingSecretError, SourceError } from '../errors.ts';
import type { CredentialSource, Grant, Ports, Secret } from '../ports.ts';
import { tokenApiOf } from '../rules/lifetimes.ts';
import { startOfNextBeijingDay } from '../rules/quota-day.ts';

/** A grant, and when the classic quota is back if it turned out to be spent (epoch ms). */
export type Fetched = Grant & { readonly classicQuotaBackAt?: number };

/** Asks WeChat for the credential; throws `SourceError`. */
export type FetchGrant = () => Promise<Fetched>;

/** The app's own access token, with which its tickets are fetched. */
export type OwnToken = {
  /** The one that lives. */
  read(): Promise<IssuedValue | undefined>;
  /** Renews it unless it is another one by now than that which WeChat refused; the one that lives then. */
  heal(refused: IssuedValue): Promise<IssuedValue | undefined>;
};

/**
 * What it takes to fetch the credential: the AppSecret for a token, a live token for a ticket.
 * `undefined`: a ticket whose app has no live token, so there is nothing to ask with.
 */
export async function prepareFetch(
  { app, name }: Credential,
  record: CredentialRecord,
  context: { now: number; force: boolean; ownToken: OwnToken; ports: Ports },
): Promise<FetchGrant | undefined> {
  const { now, force, ownToken, ports } = context;
  if (name !== 'access-token') {
    const token = await ownToken.read();
    return token && (() => fetchTicket(app, name, token, ownToken, ports.source));
  }
  return () =>
    withSecret(app, ports, force, (secret) =>
      app.kind === 'wecom'
        ? ports.source.fetch({ app, name, secret })
        : fetchWechatToken(app, secret, { record, now, force, source: ports.source }),
    );
}

/**
 * When the day's classic calls are used up, the stable interface stands in until midnight in Beijing: its quota is
 * another, and WeChat's own refusal recommends it. Its token is another, too, so this is a renewal even without force.
 */
async function fetchWechatToken(
  app: WechatApp,
  secret: string,
  context: { record: CredentialRecord; now: number; force: boolean; source: CredentialSource },
): Promise<Fetched> {
  const { record, now, force, source } = context;
  const order = { app, name: 'access-token', secret } as const;
  const tokenApi = tokenApiOf(app.tokenApi, record, now);
  try {
    return await source.fetch({ ...order, tokenApi, force });
  } catch (error) {
    const spent = error instanceof SourceError && error.kind === 'quota' && tokenApi === 'classic';
    if (!spent) throw error;
    const grant = await source.fetch({ ...order, tokenApi: 'stable', force: false });
    return { ...grant, classicQuotaBackAt: startOfNextBeijingDay(now) };
  }
}

/** A token that WeChat refuses is healed first, and the ticket asked for once more. */
async function fetchTicket(
  app: App,
  name: TicketName,
  token: IssuedValue,
  ownToken: OwnToken,
  source: CredentialSource,
): Promise<Grant> {
  try {
    return await source.fetch({ app, name, accessToken: token.value });
  } catch (error) {
    if (!(error instanceof SourceError) || error.refused !== 'access-token') throw error;
    const healed = await ownToken.heal(token);
    if (!healed || healed.fingerprint === token.fingerprint) throw error;
    return source.fetch({ app, name, accessToken: healed.value });
  }
}

async function withSecret<T>(
  app: App,
  { secrets }: Ports,
  force: boolean,
  fetchWith: (secret: string) => Promise<T>,
): Promise<T> {
  // Ops force a renewal to see whether the secret is right that they have just written.
  const secret = await (force ? secrets.reread(app) : secrets.read(app));
  if (!secret) throw new MissingSecretError(app.name, secrets.whereToPut(app));
  try {
    return await fetchWith(secret.value);
  } catch (error) {
    if (!(error instanceof SourceError) || error.refused !== 'secret') throw error;
    // The cached secret may be the one that ops have just replaced.
    const reread = await secrets.reread(app);
    if (!reread || reread.revision === secret.revision) throw error;
    return fetchWith(reread.value);
  }
}

/** What an attempt is made with. When ops change any of it, waiting out a backoff would only waste time. */
export function attemptFingerprint(app: App, secret: Secret | undefined): string {
  const api = app.kind === 'wecom' ? 'wecom' : app.tokenApi;
  return `${accountOf(app)} ${api} ${secret?.revision ?? 'no-secret'}`;
}
