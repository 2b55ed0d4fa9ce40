import type { CredentialName } from '../core/credential.ts';

/** Two roots, so that a reader's policy on `…/tokens/*` can never reach a secret. */
export function tokenParameter(prefix: string, appName: string, name: CredentialName): string {
  return `${prefix}/tokens/${appName}/${name}`;
}

export function secretParameter(prefix: string, appName: string): string {
  return `${prefix}/secrets/${appName}/app-secret`;
}
