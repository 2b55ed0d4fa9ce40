import {
  GetParameterCommand,
  ParameterNotFound,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import { secretParameter } from '../functions/deployment.ts';

/** The SecureString of one app's AppSecret, as ops write it. */
export type SecretParameter = {
  readonly name: string;
  read(): Promise<string | undefined>;
  write(value: string): Promise<void>;
};

/** @param keyId the KMS key of the deployment; without it SSM takes its own */
export function secretParameterOf(
  ssm: SSMClient,
  { prefix, app, keyId }: { prefix: string; app: string; keyId: string | undefined },
): SecretParameter {
  const name = secretParameter(prefix, app);
  return {
    name,
    async read() {
      try {
        const { Parameter } = await ssm.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
        return Parameter?.Value?.trim() || undefined;
      } catch (error) {
        if (error instanceof ParameterNotFound) return undefined;
        throw error;
      }
    },
    async write(value) {
      await ssm.send(
        new PutParameterCommand({
          Name: name,
          Description: `AppSecret of ${app}, for wechat-token-refresher`,
          Type: 'SecureString',
          Value: value,
          Overwrite: true,
          ...(keyId !== undefined && { KeyId: keyId }),
        }),
      );
    },
  };
}
