import { createHash } from 'node:crypto';
import type { App } from '../core/credential.ts';
import { servable } from './credential-route.ts';
import { HttpError, json, parseQuery, type ReadRequest, type ReadResponse } from './http-types.ts';
import type { RecordCache } from './record-cache.ts';

/** `GET /apps/<app>/jsapi-signature?url=…`: what a page hands to `wx.config`. */
export async function signatureRoute(
  app: App,
  request: ReadRequest,
  cache: RecordCache,
  nonce: () => string,
): Promise<ReadResponse> {
  const url = pageUrl(parseQuery(request.query, ['url'])['url']);
  const found = await cache.get(app, 'jsapi-ticket');
  const ticket = servable(app, 'jsapi-ticket', found);
  const nonceStr = nonce();
  const timestamp = Math.floor(found.now / 1000);
  return json(200, {
    // For WeCom's `wx.config` the corp stands in the AppID's place.
    appId: app.kind === 'wecom' ? app.corpId : app.appId,
    timestamp,
    nonceStr,
    signature: jsapiSignature({ ticket: ticket.value, nonceStr, timestamp, url }),
  });
}

/** SHA-1 hex over raw values in this order: docs/wechat.md#tickets. */
export function jsapiSignature(parts: {
  ticket: string;
  nonceStr: string;
  timestamp: number;
  url: string;
}): string {
  const { ticket, nonceStr, timestamp, url } = parts;
  return createHash('sha1')
    .update(`jsapi_ticket=${ticket}&noncestr=${nonceStr}&timestamp=${timestamp}&url=${url}`)
    .digest('hex');
}

/** The page's address as the browser sent it, without its fragment; not normalised, for WeChat signs raw values. */
function pageUrl(url: string | undefined): string {
  const page = url?.split('#', 1)[0];
  if (!page || !/^https?:\/\/[^\s]+$/i.test(page) || !URL.canParse(page)) {
    throw new HttpError(
      400,
      'invalid-parameter',
      "'url' is the page's full address, http or https, percent-encoded: ?url=https%3A%2F%2Fexample.com%2Fpage",
    );
  }
  return page;
}
