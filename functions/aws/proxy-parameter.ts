import { GetParameterCommand, ParameterNotFound, type SSMClient } from '@aws-sdk/client-ssm';
import { SourceError } from '../core/errors.ts';

/** Ops may replace the proxy's password; a minute later it is used. */
const CACHE_TTL_MS = 60_000;

/**
 * The proxy's URL, with its credentials, from an SSM SecureString. Neither it nor any part of it ever stands in an error.
 *
 * @param clock epoch ms
 */
export function proxyParameter(client: SSMClient, name: string, clock: () => number): () => Promise<string> {
  let kept: { url: Promise<string>; until: number } | undefined;
  return () => {
    const now = clock();
    if (kept && now < kept.until) return kept.url;
    const url = fetchUrl(client, name);
    // A failure is nobody's answer but the present callers'.
    url.catch(() => {
      if (kept?.url === url) kept = undefined;
    });
    kept = { url, until: now + CACHE_TTL_MS };
    return url;
  };
}

async function fetchUrl(client: SSMClient, name: string): Promise<string> {
  let value: string | undefined;
  try {
    const { Parameter } = await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
    value = Parameter?.Value?.trim();
  } catch (cause) {
    if (!(cause instanceof ParameterNotFound)) {
      const reason = cause instanceof Error ? cause.name : 'unknown error';
      throw new SourceError(`The proxy's URL could not be read from ${name} (${reason}).`, {
        code: 'proxy-unreadable',
        kind: 'transient',
        cause,
      });
    }
  }
  if (value && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return value;
  throw new SourceError(
    `${value ? 'What stands in' : 'There is no proxy URL in'} the SSM parameter ${name}${value ? ' is no proxy URL' : ''}. Write one like http://user:password@proxy.example.com:3128 as a SecureString.`,
    { code: 'proxy-misconfigured', kind: 'configuration' },
  );
}
