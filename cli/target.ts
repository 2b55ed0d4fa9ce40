import { CliError } from './cli-error.ts';
import { deployedRefresher, localRefresher, type RefresherClient } from './refresher-client.ts';

/** Options that go with every command. */
export type TargetOptions = {
  readonly stack: string;
  readonly region?: string;
  /** A base URL, or true for the usual one. */
  readonly local?: string | true;
};

export type Stack = {
  readonly kind: 'stack';
  readonly name: string;
  readonly status: string;
  readonly region: string | undefined;
  readonly refresher: RefresherClient;
  /** @throws CliError when the stack has no such output */
  output(name: string): string;
  optionalOutput(name: string): string | undefined;
};

export type Local = { readonly kind: 'local'; readonly url: string; readonly refresher: RefresherClient };

const USUAL_LOCAL_URL = 'http://127.0.0.1:8787';

/** What a command is about: a deployed stack, found by its name, or local mode. */
export async function resolveTarget(options: TargetOptions): Promise<Stack | Local> {
  if (options.local !== undefined) return localMode(options.local);
  const stack = await findStack(options);
  if (!stack) {
    throw new CliError(
      'unavailable',
      `There is no stack ${options.stack} in this account and region: deploy it, name another with --stack or --region, or say --local for local mode.`,
    );
  }
  return stack;
}

/** For commands that change AWS's parameters or table. */
export async function resolveStack(options: TargetOptions, command: string): Promise<Stack> {
  refuseLocal(options, command);
  return (await resolveTarget(options)) as Stack;
}

export function refuseLocal({ local }: TargetOptions, command: string): void {
  if (local === undefined) return;
  throw new CliError(
    'unavailable',
    `${command} works on a deployed stack only: local mode takes its secret from WECHAT_SECRET, asks no reader key of loopback callers, and keeps everything in its folder.`,
  );
}

function localMode(local: string | true): Local {
  const url = local === true ? USUAL_LOCAL_URL : local;
  if (!URL.canParse(url))
    throw new CliError('usage', `--local: '${url}' is not a URL like ${USUAL_LOCAL_URL}`);
  return { kind: 'local', url, refresher: localRefresher(url) };
}

/** @returns undefined when there is no such stack, or no longer */
export async function findStack({ stack: name, region }: TargetOptions): Promise<Stack | undefined> {
  const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
  const cloudformation = new CloudFormationClient(regionOf(region));
  const found = await cloudformation.send(new DescribeStacksCommand({ StackName: name })).catch((error) => {
    if (error instanceof Error && error.name === 'ValidationError') return undefined;
    throw error;
  });
  const stack = found?.Stacks?.[0];
  if (!stack || stack.StackStatus === 'DELETE_COMPLETE') return undefined;
  const outputs = new Map(
    (stack.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]),
  );
  const output = (key: string) => {
    const value = outputs.get(key);
    if (value !== undefined) return value;
    throw new CliError(
      'unavailable',
      `Stack ${name} has no output ${key} (${stack.StackStatus}): is it one of ours, and deployed?`,
    );
  };
  const { LambdaClient } = await import('@aws-sdk/client-lambda');
  return {
    kind: 'stack',
    name,
    status: stack.StackStatus ?? 'unknown',
    region,
    refresher: deployedRefresher(new LambdaClient(regionOf(region)), output('RefreshFunctionName')),
    output,
    optionalOutput: (key) => outputs.get(key),
  };
}

/** The SDK finds the region in the environment or the profile when none is named. */
export function regionOf(region: string | undefined): { region?: string } {
  return region === undefined ? {} : { region };
}
