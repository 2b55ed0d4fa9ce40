/** What the caller gets to see. */
export type Delivery =
  | {
      readonly status: number;
      readonly contentType: string;
      readonly body: string;
      /** Real milliseconds to wait before it is sent. */
      readonly delayMs: number;
    }
  /** The connection is cut without an answer. */
  | 'connection-lost';

const contentTypes = ['application/json; encoding=utf-8', 'text/plain'];

/** WeChat's JSON, under one of the content types that it uses in turn (WECHAT.md, "Transport"). */
export function jsonDelivery(body: object, serial: number, delayMs: number): Delivery {
  const contentType = contentTypes[serial % contentTypes.length] ?? 'text/plain';
  return { status: 200, contentType, body: JSON.stringify(body), delayMs };
}

/** A page instead of JSON, as gateways on the way send it. */
export function htmlDelivery(status: number, body: string): Delivery {
  return { status, contentType: 'text/html', body, delayMs: 0 };
}
