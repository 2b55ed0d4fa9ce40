import { CliError, STACK_NOT_FOUND } from './cli-error.ts';
import { deployedRefresher, localRefresher, type RefresherClient } from './refresher-client.ts';

/** Options that every command has. */
export type TargetOptions = {
  readonly stack: string;
  readonly region?: string;
  /** A base URL, or true for the default one. */
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

const DEFAULT_LOCAL_URL = 'http://127.0.0.1:8787';

/**
 * What a command works on: a deployed stack, found by its name, or local mode.
 *
 * @throws CliError when there is no such stack
 */
export async function resolveTarget(options: TargetOptions): Promise<Stack | Local> {
  return options.local === undefined ? existingStack(options) : localMode(options.local);
}

/**
 * The target of commands that change AWS's parameters or table.
 *
 * @throws CliError for local mode, and when there is no such stack
 */
export async function resolveStack(options: TargetOptions, command: string): Promise<Stack> {
  refuseLocal(options, command);
  return existingStack(options);
}

/** @throws CliError for local mode */
export function refuseLocal({ local }: TargetOptions, command: string): void {
  if (local === undefined) return;
  throw new CliError(
    'unavailable',
    `${command} works on a deployed stack only: local mode takes its secret from WECHAT_SECRET, requires no reader key from loopback clients, and stores everything in its folder.`,
  );
}

function localMode(local: string | true): Local {
  const url = local === true ? DEFAULT_LOCAL_URL : local;
  if (!URL.canParse(url))
    throw new CliError('usage', `--local: '${url}' is not a URL like ${DEFAULT_LOCAL_URL}`);
  return { kind: 'local', url, refresher: localRefresher(url) };
}

async function existingStack(options: TargetOptions): Promise<Stack> {
  const stack = await findStack(options);
  if (stack) return stack;
  throw new CliError(
    'unavailable',
    `There is no stack ${options.stack} in this account and region: deploy it, choose another with --stack or --region, or use --local for local mode.`,
  );
}

/** @returns undefined when the stack does not exist, or no longer */
export async function findStack({ stack: name, region }: TargetOptions): Promise<Stack | undefined> {
  const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
  const cloudformation = new CloudFormationClient(regionOf(region));
  const found = await cloudformation.send(new DescribeStacksCommand({ StackName: name })).catch((error) => {
    if (error instanceof Error && error.name === STACK_NOT_FOUND) return undefined;
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
      `Stack ${name} has no output ${key} (${stack.StackStatus}): is it a stack of wechat-token-refresher, and deployed?`,
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

/** Configuration of an AWS client; without a region the SDK takes that of the environment or the profile. */
export function regionOf(region: string | undefined): { region?: string } {
  return region === undefined ? {} : { region };
}
