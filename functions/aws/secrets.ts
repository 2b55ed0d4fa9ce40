import { GetParameterCommand, ParameterNotFound, type SSMClient } from '@aws-sdk/client-ssm';
import type { App } from '../core/credential.ts';
import { errorCodes, nameOf, SourceError } from '../core/errors.ts';
import type { Secret, SecretStore } from '../core/ports.ts';
import { secretParameter } from '../deployment.ts';

/** AppSecrets from SSM, kept for the life of the function's instance; the refresher rereads one that WeChat rejects. */
export function appSecrets(client: SSMClient, prefix: string): SecretStore {
  const cache = new Map<string, Secret>();

  async function reread(app: App): Promise<Secret | undefined> {
    const secret = await fetchSecret(client, secretParameter(prefix, app.name), app);
    if (secret) cache.set(app.name, secret);
    else cache.delete(app.name);
    return secret;
  }

  return {
    read: async (app) => cache.get(app.name) ?? reread(app),
    reread,
    whereToPut: (app) =>
      `Write it to the SSM SecureString ${secretParameter(prefix, app.name)}; the next tick picks it up.`,
  };
}

async function fetchSecret(client: SSMClient, name: string, app: App): Promise<Secret | undefined> {
  try {
    const { Parameter } = await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
    // A pasted secret often brings its line break along.
    const value = Parameter?.Value?.trim();
    if (!value) return undefined;
    // A parameter that was deleted and written again starts at version 1 once more, hence the date.
    return { value, revision: `${Parameter?.Version}@${Parameter?.LastModifiedDate?.getTime()}` };
  } catch (cause) {
    if (cause instanceof ParameterNotFound) return undefined;
    throw new SourceError(
      `The AppSecret of app '${app.name}' could not be read from ${name} (${nameOf(cause)}).`,
      {
        code: errorCodes.secretUnreadable,
        kind: 'transient',
        reachedWechat: false,
        cause,
      },
    );
  }
}
