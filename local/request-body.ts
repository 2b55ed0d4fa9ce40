import type { IncomingMessage } from 'node:http';

/** Lambda's own limit of an asynchronous event, and more than any request of ours. */
const MAX_BODY_BYTES = 256 * 1024;

/** The body as text; `undefined` when it is larger than 256 KB. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Read to its end all the same, or the caller never sees the answer.
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString('utf8') : undefined;
}
