import { createHash } from 'node:crypto';
import type { App, TicketName } from '../core/credential.ts';
import { servable } from './credential-route.ts';
import { HttpError, json, parseQuery, type ReadRequest, type ReadResponse } from './http-types.ts';
import type { RecordCache } from './record-cache.ts';

export const signatureNames = [
  'jsapi-signature',
  'agent-config-signature',
  'card-signature',
  'sdk-signature',
] as const;
export type SignatureName = (typeof signatureNames)[number];

type Query = Partial<Record<string, string>>;
/** What a signature is made of beside the caller's own parameters; `timestamp` in seconds. */
type Ingredients = { readonly ticket: string; readonly nonceStr: string; readonly timestamp: number };

type Signature = {
  readonly ticket: TicketName;
  readonly parameters: readonly string[];
  /** Checks the parameters (throws HttpError), and returns what signs them. */
  readonly signerOf: (app: App, query: Query) => (ingredients: Ingredients) => object;
};

const signatures: Readonly<Record<SignatureName, Signature>> = {
  'jsapi-signature': {
    ticket: 'jsapi-ticket',
    parameters: ['url'],
    signerOf(app, query) {
      const url = pageUrl(query['url']);
      // For WeCom's `wx.config` the CorpID replaces the AppID: docs/wechat.md#wecom.
      const appId = app.kind === 'wecom' ? app.corpId : app.appId;
      return ({ ticket, nonceStr, timestamp }) => ({
        appId,
        timestamp,
        nonceStr,
        signature: jsapiSignature({ ticket, nonceStr, timestamp, url }),
      });
    },
  },
  'agent-config-signature': {
    ticket: 'agent-config-ticket',
    parameters: ['url'],
    signerOf(app, query) {
      const url = pageUrl(query['url']);
      // Only an app with an agent has this ticket.
      const agent = app.kind === 'wecom' ? { corpid: app.corpId, agentid: app.agentId } : {};
      return ({ ticket, nonceStr, timestamp }) => ({
        ...agent,
        timestamp,
        nonceStr,
        signature: jsapiSignature({ ticket, nonceStr, timestamp, url }),
      });
    },
  },
  'card-signature': {
    ticket: 'wx-card-ticket',
    parameters: ['card_id', 'code', 'openid'],
    signerOf(_app, { card_id: cardId, code, openid }) {
      if (!cardId) {
        throw new HttpError(400, 'invalid-parameter', "'card_id' is the card's id, like pFS7Fjg8kV1IdDz….");
      }
      return ({ ticket, nonceStr, timestamp }) => {
        // The fields of `cardExt`, all of them text. Those that are not used are neither signed nor in it.
        const signed = {
          ...(code && { code }),
          ...(openid && { openid }),
          timestamp: String(timestamp),
          nonce_str: nonceStr,
        };
        return { ...signed, signature: cardSignature([ticket, cardId, ...Object.values(signed)]) };
      };
    },
  },
  'sdk-signature': {
    ticket: 'sdk-ticket',
    parameters: [],
    signerOf(app) {
      // Only an app with an AppID has this ticket.
      const appId = app.kind === 'wecom' ? '' : app.appId;
      return ({ ticket, nonceStr, timestamp }) => ({
        appId,
        nonceStr,
        timestamp,
        signature: sdkSignature({ appId, ticket, nonceStr, timestamp }),
      });
    },
  },
};

/** `GET /apps/<app>/<signature>`: what a page hands to `wx.config`, `wx.agentConfig` or `wx.addCard`, an app to the SDK. */
export async function signatureRoute(
  app: App,
  name: SignatureName,
  request: ReadRequest,
  { cache, nonce }: { readonly cache: RecordCache; readonly nonce: () => string },
): Promise<ReadResponse> {
  const { ticket, parameters, signerOf } = signatures[name];
  const sign = signerOf(app, parseQuery(request.query, parameters));
  const found = await cache.get(app, ticket);
  const { value } = servable(app, ticket, found);
  return json(200, sign({ ticket: value, nonceStr: nonce(), timestamp: Math.floor(found.now / 1000) }));
}

/** `wx.config` and `wx.agentConfig`; SHA-1 hex over raw values in this order: docs/wechat.md#tickets. */
export function jsapiSignature(parts: Ingredients & { readonly url: string }): string {
  const { ticket, nonceStr, timestamp, url } = parts;
  return sha1(`jsapi_ticket=${ticket}&noncestr=${nonceStr}&timestamp=${timestamp}&url=${url}`);
}

/** `wx.addCard`; SHA-1 hex over the values alone, sorted: docs/wechat.md#tickets. */
function cardSignature(values: readonly string[]): string {
  return sha1(values.toSorted().join(''));
}

/** Scan login of the mobile SDK; SHA-1 hex over raw values in this order: docs/wechat.md#tickets. */
export function sdkSignature(parts: Ingredients & { readonly appId: string }): string {
  const { appId, ticket, nonceStr, timestamp } = parts;
  return sha1(`appid=${appId}&noncestr=${nonceStr}&sdk_ticket=${ticket}&timestamp=${timestamp}`);
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

/**
 * The page's address as the browser sent it, without its fragment; not normalised, for WeChat signs raw values. A
 * character that no browser sends shows that the address was decoded on its way here: its signature would be refused.
 */
function pageUrl(url: string | undefined): string {
  const page = url?.split('#', 1)[0];
  if (!page || !/^https?:\/\//i.test(page)) {
    throw invalidUrl("'url' is the page's full address, http or https");
  }
  const characters = [...page];
  const index = characters.findIndex((character) => !/^[\x21-\x7e]$/.test(character));
  if (index >= 0) {
    const code = (characters[index]?.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    throw invalidUrl(
      `Character ${index + 1} of 'url' is U+${code}, so it was decoded: WeChat signs the address as the browser sends it, percent-encoded`,
    );
  }
  if (!URL.canParse(page)) throw invalidUrl("'url' is not an address");
  return page;
}

function invalidUrl(problem: string): HttpError {
  return new HttpError(
    400,
    'invalid-parameter',
    `${problem}. Send encodeURIComponent(location.href.split('#')[0]), like ?url=https%3A%2F%2Fexample.com%2F%25E4%25BD%25A0.`,
  );
}
