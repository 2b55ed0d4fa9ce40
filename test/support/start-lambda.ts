import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { App, type Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { DEPLOYMENT_FILE, type Deployment } from '../../functions/deployment.ts';
import { loadConfig } from '../../infra/config.ts';
import { TokenStack } from '../../infra/token-stack.ts';
import { jsonLine } from './json-line.ts';

/** `error` is what Lambda would return to the caller. */
type Answer = {
  readonly result?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly stack: string };
};

export type Lambda = {
  invoke(event: unknown): Promise<Answer>;
  /** Everything it has written: what CloudWatch Logs would hold. */
  logs(): string;
  stop(): void;
};

/** Folders of the very bundles that `cdk deploy` would upload. */
export function synthesizeBundles(wechat: unknown): { refresh: string; read: string } {
  const outdir = mkdtempSync(join(tmpdir(), 'cdk-out-'));
  process.once('exit', () => rmSync(outdir, { recursive: true, force: true }));
  const app = new App({ outdir });
  const stack = new TokenStack(app, 'Bundles', { config: loadConfig({ wechat }) });
  return { refresh: assetOf(app, stack, 'Renews'), read: assetOf(app, stack, 'Serves') };
}

/** The folder of the one function whose description has these words; any, when there are none. */
export function assetOf(app: App, stack: Stack, description?: string): string {
  const functions = Template.fromStack(stack).findResources(
    'AWS::Lambda::Function',
    description === undefined ? {} : { Properties: { Description: Match.stringLikeRegexp(description) } },
  );
  const key: string | undefined = Object.values(functions)[0]?.['Properties'].Code.S3Key;
  if (!key) throw new Error(`no asset of the function '${description}'`);
  return join(app.outdir, `asset.${key.replace('.zip', '')}`);
}

/** Changes what a bundle was synthesized with, for what is known only when a test runs. */
export function changeDeployment(bundle: string, changes: Partial<Deployment>): void {
  const file = join(bundle, DEPLOYMENT_FILE);
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...changes }));
}

/** Runs a bundle in a process of its own, with nothing in its environment that Lambda would not put there. */
export function startLambda(bundle: string, environment: Record<string, string>): Lambda {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('./lambda-process.ts', import.meta.url)), join(bundle, 'index.mjs')],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
        AWS_LAMBDA_FUNCTION_NAME: 'function-under-test',
        ...environment,
      },
    },
  );
  let logs = '';
  const waiting: PromiseWithResolvers<Answer>[] = [];
  child.stderr.on('data', (chunk) => (logs += chunk));
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('ANSWER ')) waiting.shift()?.resolve(JSON.parse(line.slice('ANSWER '.length)));
    else logs += `${line}\n`;
  });
  child.once('exit', () => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`the function's process ended:\n${logs}`));
  });
  return {
    invoke(event) {
      const answer = Promise.withResolvers<Answer>();
      waiting.push(answer);
      child.stdin.write(`${jsonLine(event)}\n`);
      return answer.promise;
    },
    logs: () => logs,
    stop: () => void child.kill(),
  };
}
