/** One request as the read API sees it, whichever front end it came through. Header names are lower case. */
export type ReadRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
};

export type ReadResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** An answer that is no success: what happened and what to do, in the same shape everywhere. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export function json(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): ReadResponse {
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...headers,
    },
    body: JSON.stringify(body),
  };
}

export function errorResponse({ status, code, message, headers }: HttpError): ReadResponse {
  return json(status, { error: code, message }, headers);
}

/**
 * The query's parameters, each at most once.
 *
 * @throws HttpError 400 that names a parameter which the route does not know, or which is repeated
 */
export function parseQuery(
  query: URLSearchParams,
  allowed: readonly string[],
): Partial<Record<string, string>> {
  const values: Partial<Record<string, string>> = {};
  for (const [name, value] of query) {
    if (!allowed.includes(name)) {
      const known = allowed.length > 0 ? `it knows ${allowed.join(', ')}` : 'it takes none';
      throw new HttpError(
        400,
        'unknown-parameter',
        `'${redactForMessage(name)}' is not a parameter of this route; ${known}.`,
      );
    }
    if (values[name] !== undefined) {
      throw new HttpError(400, 'repeated-parameter', `'${name}' is there more than once.`);
    }
    values[name] = value;
  }
  return values;
}

/** A caller's text, fit for a message: short, without control characters, and without a reader key that it may contain. */
export function redactForMessage(text: string): string {
  return text
    .replace(/wtk_[\w-]*/g, 'wtk_…')
    .replace(/[^\x20-\x7e…]/g, '?')
    .slice(0, 64);
}
