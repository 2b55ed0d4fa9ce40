import { subscribe } from 'node:diagnostics_channel';
import { type Dispatcher, request } from 'undici';
import {
  type AnswerReader,
  decodeBody,
  MAX_ANSWER_BYTES,
  type Outcome,
  RetryableError,
  readAnswer,
} from './answers.ts';
import type { EgressRoute } from './egress.ts';
import { urlOf } from './hosts.ts';

/** One request to one host, without its retries. */
export type WechatRequest = {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Makes the call a POST. */
  readonly json?: Readonly<Record<string, unknown>>;
};

/**
 * The errors with which undici made no connection, so that WeChat cannot have carried out the call: refused, unresolved, TLS,
 * a proxy without a tunnel. Their codes are too many to list.
 * https://undici.nodejs.org/#/docs/api/DiagnosticsChannel
 */
const connectErrors = new WeakSet<object>();
subscribe('undici:client:connectError', (message) => {
  const { error } = message as { readonly error: Error };
  connectErrors.add(error);
});
/** undici's words for a proxy that does not open the tunnel; it has no code of its own. */
const NO_TUNNEL = /^Proxy response \((\d{3})\)/;

/**
 * Sends one request and reads its answer.
 *
 * @throws RetryableError when there is none that is WeChat's
 */
export async function sendOnce<T>(
  host: string,
  call: WechatRequest & { readonly answer: AnswerReader<T> },
  route: EgressRoute,
  signal: AbortSignal,
): Promise<Outcome<T>> {
  const { path, query, json, answer: reader } = call;
  const url = urlOf(host, path);
  url.search = new URLSearchParams(query).toString();
  let response: Dispatcher.ResponseData;
  try {
    response = await request(url, {
      dispatcher: route.dispatcher,
      signal,
      ...(json && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(json),
      }),
    });
  } catch (error) {
    throw unreachable(error, url.host, route, signal);
  }
  const { statusCode: status, headers } = response;
  const { bytes, error } = await readBody(response.body);
  const answer = {
    host: url.host,
    status,
    ...(await decodeBody(bytes, String(headers['content-encoding'] ?? ''))),
  };
  try {
    return readAnswer(answer, reader);
  } catch (unread) {
    // An answer that was cut off after its last brace is as good as a whole one; any other was lost.
    throw error === undefined ? unread : unreachable(error, url.host, route, signal);
  }
}

/** The beginning of a body, and why it is not the whole. What is longer than an answer may be is cut off without an error. */
async function readBody(body: AsyncIterable<Buffer>): Promise<{ bytes: Buffer; error?: unknown }> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_ANSWER_BYTES) break;
    }
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error };
  }
  return { bytes: Buffer.concat(chunks) };
}

/** Only the code and the host: the message of a failed request may quote its URL, and the URL holds the secret. */
function unreachable(error: unknown, host: string, route: EgressRoute, signal: AbortSignal): RetryableError {
  if (signal.aborted) {
    return new RetryableError('timeout', `no answer from ${host} in time`, {
      mayHaveExecuted: true,
      tryNextHost: true,
    });
  }
  const tunnel = error instanceof Error ? NO_TUNNEL.exec(error.message)?.[1] : undefined;
  if (tunnel !== undefined) {
    const remedy = tunnel === '407' ? '; correct the user and password in its URL' : '';
    return new RetryableError(`proxy-${tunnel}`, `the proxy answered ${tunnel} to CONNECT ${host}${remedy}`, {
      mayHaveExecuted: false,
      tryNextHost: true,
    });
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'network';
  const through = route.throughProxy ? ' through the proxy' : '';
  const neverConnected = error instanceof Error && connectErrors.has(error);
  return new RetryableError(code, `${host} could not be reached${through} (${code})`, {
    mayHaveExecuted: !neverConnected,
    tryNextHost: true,
  });
}
