import { readFileSync } from 'node:fs';
import type { Deployment } from './core/credential.ts';

/** What `cdk synth` validated and put beside the bundle; any number of apps, where an environment variable ends at 4 KB. */
export function loadDeployment(bundleUrl: string): Deployment {
  return JSON.parse(readFileSync(new URL('./deployment.json', bundleUrl), 'utf8'));
}

/** A variable that the stack always sets. */
export function requiredEnv(name: string): string {
  const value = process.env[name];
  if (!value)
    throw new Error(`The environment variable ${name} is not set; the stack sets it, so deploy again.`);
  return value;
}
