import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DEPLOYMENT_FILE, type Deployment } from '../../functions/deployment.ts';

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

/** JSON on one line: `readline` takes U+2028 and U+2029, which JSON leaves as they are, for ends of lines. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(/[\u2028\u2029]/g, (each) => `\\u${each.charCodeAt(0).toString(16)}`);
}
