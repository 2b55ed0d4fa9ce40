import {
  GetParameterCommand,
  ParameterNotFound,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import { errorCodes, nameOf, SourceError } from '../core/errors.ts';
import type { Mirror } from '../core/ports.ts';
import { tokenParameter } from '../deployment.ts';

/**
 * What apps read: the raw value, nothing else. The function creates the parameter itself, because CloudFormation
 * cannot make a SecureString. Called for a version that is not marked as mirrored, so a write is a change, but for the one
 * that a crash repeats.
 *
 * @param keyId the KMS key to encrypt with; without it SSM takes its own
 */
export function parameterMirror(client: SSMClient, prefix: string, keyId?: string): Mirror {
  return {
    async write({ app, name }, value) {
      await client.send(
        new PutParameterCommand({
          Name: tokenParameter(prefix, app.name, name),
          Description: `WeChat ${name} of ${app.name}. Written by wechat-token-refresher; do not edit.`,
          Type: 'SecureString',
          ...(keyId && { KeyId: keyId }),
          Value: value,
          Overwrite: true,
        }),
      );
    },
  };
}

/** Operators may replace the proxy's password; a minute later it is used. */
const CACHE_TTL_MS = 60_000;

/**
 * The proxy's URL, with its credentials, from an SSM SecureString. No part of it ever appears in an error.
 *
 * @param clock epoch ms
 */
export function proxyParameter(client: SSMClient, name: string, clock: () => number): () => Promise<string> {
  let cached: { url: Promise<string>; until: number } | undefined;
  return () => {
    const now = clock();
    if (cached && now < cached.until) return cached.url;
    const url = fetchUrl(client, name);
    // A failure is the answer to the present callers only.
    url.catch(() => {
      if (cached?.url === url) cached = undefined;
    });
    cached = { url, until: now + CACHE_TTL_MS };
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
      throw new SourceError(`The proxy's URL could not be read from ${name} (${nameOf(cause)}).`, {
        code: errorCodes.proxyUnreadable,
        kind: 'transient',
        reachedWechat: false,
        cause,
      });
    }
  }
  if (value && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return value;
  throw new SourceError(
    `${value ? 'The value of' : 'There is no proxy URL in'} the SSM parameter ${name}${value ? ' is not a proxy URL' : ''}. Write one like http://user:password@proxy.example.com:3128 as a SecureString.`,
    { code: errorCodes.proxyMisconfigured, kind: 'configuration', reachedWechat: false },
  );
}
