/** What WeChat calls an app: one AppID with its AppSecret. */
export type App = {
  /** Unique in a deployment; part of every name that readers use. */
  readonly name: string;
  readonly kind: AppKind;
  readonly appId: string;
  /** `classic`: `/cgi-bin/token`, every call rotates. `stable`: `/cgi-bin/stable_token`, the same value until near its end. */
  readonly tokenApi: TokenApi;
  readonly tickets: readonly TicketType[];
};

export type AppKind = 'official-account' | 'mini-program' | 'mini-game';
export type TokenApi = 'classic' | 'stable';
/** WeChat's own name of a ticket, as in `getticket?type=…`. */
export type TicketType = 'jsapi';

/** What a reader asks for, and the last part of the record's key and of the parameter's name. */
export type CredentialName = 'access-token' | 'jsapi-ticket';

/** One app's one credential, e.g. `shop/access-token`. */
export type Credential = { readonly app: App; readonly name: CredentialName };

/** Everything that `cdk synth` decides and the functions must know; travels as a file in their asset. */
export type Deployment = {
  readonly apps: readonly App[];
  /** Root of every SSM parameter, e.g. `/wechat`. */
  readonly parameterPrefix: string;
  readonly refreshAfterMinutes: number;
  readonly tickMinutes: number;
  readonly probeMinutes: number;
  /** How long the read URL may serve from memory. */
  readonly cacheSeconds: number;
};

/** Key of the record in the table. */
export function credentialId(appName: string, name: CredentialName): string {
  return `${appName}/${name}`;
}

/** An app's credentials in the order in which they depend on each other: a ticket is fetched with the token. */
export function credentialsOf(app: App): Credential[] {
  return [{ app, name: 'access-token' }, ...app.tickets.map((type) => ({ app, name: ticketName(type) }))];
}

function ticketName(type: TicketType): CredentialName {
  return `${type}-ticket`;
}
