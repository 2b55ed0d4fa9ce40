import { spawn } from 'node:child_process';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { IAMClient } from '@aws-sdk/client-iam';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { AwsClient } from 'aws4fetch';
import { PROJECT } from './python-tools.ts';

const REGION = 'us-east-1';

export type Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string };
/** The emulator's root. */
export const ROOT: Credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

/** The SDK clients of one principal. */
export function clientsOf(endpoint: string, credentials: Credentials) {
  const options = { endpoint, region: REGION, credentials };
  return {
    cloudwatch: new CloudWatchClient(options),
    sns: new SNSClient(options),
    sqs: new SQSClient(options),
    ssm: new SSMClient(options),
    dynamodb: new DynamoDBClient(options),
    lambda: new LambdaClient(options),
    iam: new IAMClient(options),
    logs: new CloudWatchLogsClient(options),
  };
}

/** Signs with SigV4 and sends; `service` is what the signature is for. */
export function signedFetch(url: string, service: string, credentials: Credentials, init: RequestInit = {}) {
  return new AwsClient({ ...credentials, service, region: REGION, retries: 0 }).fetch(url, init);
}

const environmentOf = (endpoint: string) => ({
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: REGION,
  AWS_ACCESS_KEY_ID: ROOT.accessKeyId,
  AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
  CI: 'true',
});

/** Runs the real CDK CLI as a user does, `npx cdk …`, against the emulator. Returns all that it printed. */
export async function cdk(endpoint: string, ...args: string[]): Promise<string> {
  const child = spawn('npx', ['cdk', ...args], {
    cwd: PROJECT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environmentOf(endpoint),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`cdk ${args[0]} ended with ${code}:\n${output.slice(-4_000)}`);
  return output;
}

/** Runs our own command as operators do, `npx wechat-token-refresher …`, against the emulator. */
export async function wechatToken(endpoint: string, args: readonly string[], input = '') {
  const child = spawn('npx', ['wechat-token-refresher', ...args], {
    cwd: PROJECT,
    env: environmentOf(endpoint),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  child.stdin.end(input);
  const code = await new Promise((resolve) => child.once('close', resolve));
  // npm's own warnings about the machine's settings are no words of ours.
  return { code, stdout, stderr: stderr.replaceAll(/^npm .*\n/gm, '') };
}

/** Tries until it succeeds; a schedule fires when it fires. */
export async function eventually<T>(attempt: () => Promise<T>, deadlineMs: number): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
}
