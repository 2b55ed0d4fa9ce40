import { PutParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
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
