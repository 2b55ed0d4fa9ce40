import {
  type App,
  accountOf,
  type Credential,
  type CredentialRecord,
  credentialId,
  type IssuedValue,
  liveValue,
  type WechatApp,
} from '../credential.ts';
import { errorCodes, SourceError } from '../errors.ts';
import type { Fetched, Ports, SecretStore } from '../ports.ts';
import { tokenApiOf } from '../rules/lifetimes.ts';
import { startOfNextBeijingDay } from '../rules/quota-day.ts';

/** What an attempt is made with, beside the AppSecret. */
export type FetchContext = {
  readonly record: CredentialRecord;
  /** Epoch ms. */
  readonly now: number;
  readonly force: boolean;
  /** The app's own, with which its tickets are fetched; a token needs none. */
  readonly accessToken: IssuedValue | undefined;
  readonly ports: Ports;
};

/** Asks WeChat for the credential. Throws `SourceError`. */
export function fetchCredential({ app, name }: Credential, context: FetchContext): Promise<Fetched> {
  const { source } = context.ports;
  if (name !== 'access-token') {
    const { accessToken } = context;
    if (!accessToken) throw new Error(`a ticket of ${app.name} was requested without an access token`);
    return source.fetch({ app, name, accessToken: accessToken.value });
  }
  return withSecret(app, context, (secret) =>
    app.kind === 'wecom' ? source.fetch({ app, name, secret }) : fetchWechatToken(app, secret, context),
  );
}

/**
 * When the day's classic calls are used up, the stable interface serves until midnight in Beijing: it has a quota of its
 * own, and WeChat's own refusal recommends it. Its token is another, too, so this is a renewal even without force.
 */
async function fetchWechatToken(
  app: WechatApp,
  secret: string,
  { record, now, force, ports: { source } }: FetchContext,
): Promise<Fetched> {
  const request = { app, name: 'access-token', secret } as const;
  const tokenApi = tokenApiOf(app.tokenApi, record, now);
  try {
    return await source.fetch({ ...request, tokenApi, force });
  } catch (error) {
    if (!(error instanceof SourceError) || error.kind !== 'quota' || tokenApi !== 'classic') throw error;
    const grant = await source.fetch({ ...request, tokenApi: 'stable', force: false }).catch((second) => {
      throw both(error, second);
    });
    // The count of the day is that of the classic interface.
    const { upstreamCalls } = error;
    return { ...grant, upstreamCalls, classicQuotaBackAt: startOfNextBeijingDay(now) };
  }
}

/** Operators need both: the spent quota is the cause, and the second refusal is why it is not helped. */
function both(spent: SourceError, second: unknown): SourceError {
  if (!(second instanceof SourceError)) return spent;
  const { code, upstreamCalls } = spent;
  return new SourceError(
    `${spent.message} The stable interface could not be used instead: ${second.message}`,
    {
      code,
      kind: second.kind === 'configuration' ? 'configuration' : 'quota',
      rejectedCredential: second.rejectedCredential,
      mayHaveRotated: second.mayHaveRotated,
      refusedIp: second.refusedIp,
      upstreamCalls,
      cause: second,
    },
  );
}

async function withSecret<T>(
  app: App,
  { force, ports: { secrets } }: FetchContext,
  fetchWith: (secret: string) => Promise<T>,
): Promise<T> {
  // Operators force a renewal to see whether the secret is right that they have just written.
  const secret = await (force ? secrets.reread(app) : secrets.read(app));
  if (!secret) throw missingSecret(app, secrets);
  try {
    return await fetchWith(secret.value);
  } catch (error) {
    if (!(error instanceof SourceError) || error.rejectedCredential !== 'secret') throw error;
    // The cached secret may be the one that operators have just replaced.
    const reread = await secrets.reread(app);
    if (!reread || reread.revision === secret.revision) throw error;
    return fetchWith(reread.value);
  }
}

export function missingSecret(app: App, secrets: Pick<SecretStore, 'whereToPut'>): SourceError {
  return new SourceError(`The AppSecret of app '${app.name}' is missing. ${secrets.whereToPut(app)}`, {
    code: errorCodes.missingSecret,
    kind: 'configuration',
    reachedWechat: false,
  });
}

/** The app's access token, read anew: the one with which a ticket is fetched. */
export async function readAccessToken(
  app: App,
  now: number,
  { store }: Pick<Ports, 'store'>,
): Promise<IssuedValue | undefined> {
  const id = credentialId(app.name, 'access-token');
  return liveValue((await store.read([id])).get(id), app, now);
}

/**
 * What an attempt is made with. When any of it changes, waiting out a backoff would only waste time.
 *
 * @param key the AppSecret's revision for a token, the access token's fingerprint for a ticket
 */
export function attemptFingerprint({ app, name }: Credential, key: string | undefined): string {
  const api = app.kind === 'wecom' || name !== 'access-token' ? name : app.tokenApi;
  return `${accountOf(app)} ${api} ${key ?? 'none'}`;
}
