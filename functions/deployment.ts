import { readFileSync } from 'node:fs';
import type * as z from 'zod';
import type { CredentialName, DeepReadonly } from './core/credential.ts';
import type { deploymentSchema } from './deployment-schema.ts';

/** What infra hands the functions. Every name is here once: infra writes by it, the functions read by it. */

/** What `cdk synth` has validated and the functions must know. */
export type Deployment = DeepReadonly<z.output<typeof deploymentSchema>>;

/** Beside the bundle, in the function's asset: the number of apps has no limit, and an environment ends at 4 KB. */
export const DEPLOYMENT_FILE = 'deployment.json';

/** @param bundleUrl of the bundle, whose folder has the file */
export function loadDeployment(bundleUrl: string): Deployment {
  return JSON.parse(readFileSync(new URL(DEPLOYMENT_FILE, bundleUrl), 'utf8'));
}

/**
 * The names of the environment variables, which hold what is known only once the stack is deployed, and what Powertools
 * reads by itself. Constants and not an object, so that each bundle has only the names that it reads.
 */
/** What the schedule sends, and what makes an event a scheduled tick; EventBridge may add fields. */
export const TICK_EVENT = { source: 'aws.scheduler', 'detail-type': 'Scheduled Event' } as const;

export const TABLE_NAME = 'TABLE_NAME';
export const NOTICE_TOPIC_ARN = 'NOTICE_TOPIC_ARN';
/** The customer's own KMS key; without it SSM encrypts with the key `aws/ssm`. */
export const PARAMETER_KEY_ID = 'PARAMETER_KEY_ID';
/** Name of the SSM parameter that holds the proxy's URL; without it there is no proxy. */
export const PROXY_URL_PARAMETER = 'PROXY_URL_PARAMETER';
/** Dimension `service` of every metric, because the stacks of an account share the namespace. Powertools reads it. */
export const POWERTOOLS_SERVICE_NAME = 'POWERTOOLS_SERVICE_NAME';

export type EnvironmentName =
  | typeof TABLE_NAME
  | typeof NOTICE_TOPIC_ARN
  | typeof PARAMETER_KEY_ID
  | typeof PROXY_URL_PARAMETER
  | typeof POWERTOOLS_SERVICE_NAME;

/**
 * A variable that is always set.
 *
 * @throws Error that names it when it is not
 */
export function requiredEnv(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`Environment variable ${name} is not set; deploy again.`);
  return value;
}

/** Root of what apps read. Secrets have another root, so that a policy on this one can never reach a secret. */
export function tokenRoot(prefix: string): string {
  return `${prefix}/tokens`;
}

/** Root of what operators write. */
export function secretRoot(prefix: string): string {
  return `${prefix}/secrets`;
}

export function tokenParameter(prefix: string, appName: string, name: CredentialName): string {
  return `${tokenRoot(prefix)}/${appName}/${name}`;
}

export function secretParameter(prefix: string, appName: string): string {
  return `${secretRoot(prefix)}/${appName}/app-secret`;
}
