import { setTimeout as sleep } from 'node:timers/promises';
import { GetParameterCommand, ParameterNotFound, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { CredentialResult } from '../../functions/core/reporting/results.ts';
import { secretParameter } from '../../functions/deployment.ts';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import type { RefresherClient } from '../refresher-client.ts';
import { regionOf, resolveStack, type TargetOptions } from '../target.ts';
import { abortOnInterrupt, type Terminal } from '../terminal.ts';
import { refreshApp } from './refresh.ts';

export type SecretContext = {
  readonly refresher: RefresherClient;
  readonly parameter: SecretParameter;
  readonly terminal: Terminal;
};

export const setSecretCommand = secretCommand('secret set', setSecret);
export const rotateSecretCommand = secretCommand('secret rotate', rotateSecret);

function secretCommand(command: string, run: typeof setSecret) {
  return async (options: TargetOptions, terminal: Terminal, app: string): Promise<ExitCode> => {
    const { refresher, region, output, optionalOutput } = await resolveStack(options, command);
    const parameter = secretParameterOf(new SSMClient(regionOf(region)), {
      prefix: output('ParameterPrefix'),
      app,
      keyId: optionalOutput('KmsKeyArn'),
    });
    // Fails for an app that is not configured, before anyone types its secret.
    await refresher.status(app);
    return run(app, await readSecret(app), { refresher, parameter, terminal });
  };
}

/** Writes an app's AppSecret and lets the refresher try it at once. */
export async function setSecret(app: string, secret: string, context: SecretContext): Promise<ExitCode> {
  const { refresher, parameter, terminal } = context;
  await parameter.write(secret);
  terminal.print(`Wrote ${parameter.name}.`);
  return refreshApp(refresher, terminal, { app });
}

/** A forced renewal is possible once in 30 s, and another caller may have just made one. */
const ROTATE_TIMEOUT_MS = 90_000;
const ROTATE_INTERVAL_MS = 3_000;

/**
 * Replaces an AppSecret that works by another. Unless WeChat accepts the new one, the old one is restored, whatever
 * happens in between.
 *
 * @returns `problem` when WeChat does not accept the new one, or not in time
 * @throws CliError when there is nothing to replace
 */
export async function rotateSecret(
  app: string,
  secret: string,
  { refresher, parameter, terminal }: SecretContext,
  timing: { timeoutMs: number; intervalMs: number } = {
    timeoutMs: ROTATE_TIMEOUT_MS,
    intervalMs: ROTATE_INTERVAL_MS,
  },
): Promise<ExitCode> {
  const old = await parameter.read();
  if (old === undefined) {
    throw new CliError(
      'problem',
      `${app} has no AppSecret yet: use \`wechat-token-refresher secret set ${app}\`.`,
    );
  }
  if (old === secret) throw new CliError('usage', `${app} already has this AppSecret; nothing was changed.`);

  using interrupt = abortOnInterrupt();
  let trial: Trial;
  try {
    await parameter.write(secret);
    trial = await terminal.during('Asking WeChat with the new AppSecret', () =>
      tryAtWechat(app, refresher, { ...timing, signal: interrupt.signal }),
    );
  } catch (error) {
    await parameter.write(old);
    throw error;
  }
  if (trial.accepted) {
    terminal.print(`WeChat accepted the new AppSecret of ${app}; it is stored in ${parameter.name}.`);
    terminal.answer({ app, rotated: true });
    return exitCodes.ok;
  }
  await parameter.write(old);
  // The refresher may be backing off because of the new secret; a changed secret ends that.
  await refresher.refresh({ app });
  terminal.note(
    `The new AppSecret of ${app} was not accepted, so the old one is back in ${parameter.name}: ${trial.why}`,
  );
  terminal.answer({ app, rotated: false, why: trial.why });
  return exitCodes.problem;
}

type Trial = { readonly accepted: true } | { readonly accepted: false; readonly why: string };

async function tryAtWechat(
  app: string,
  refresher: RefresherClient,
  { timeoutMs, intervalMs, signal }: { timeoutMs: number; intervalMs: number; signal: AbortSignal },
): Promise<Trial> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const results = await refresher.refresh({
      app,
      credential: 'access-token',
      force: true,
      reason: 'the AppSecret was rotated',
    });
    const result = results.find(({ credential }) => credential === 'access-token');
    const trial = trialOf(result);
    if (trial) return trial;
    if (signal.aborted) return { accepted: false, why: 'it was interrupted.' };
    if (Date.now() + intervalMs > deadline) {
      return {
        accepted: false,
        why: `the refresher did not ask WeChat in time (${result?.reason ?? 'no result'}).`,
      };
    }
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}

/** @returns undefined when WeChat was not asked, so that nothing is known yet */
function trialOf(result: CredentialResult | undefined): Trial | undefined {
  if (result?.outcome === 'renewed' || result?.outcome === 'unchanged') return { accepted: true };
  if (result?.outcome === 'failed') return { accepted: false, why: result.error?.message ?? result.reason };
  return undefined;
}

/**
 * An AppSecret from a hidden prompt, or from standard input in a script. Never from an argument, which every process of the
 * machine can read.
 */
async function readSecret(app: string): Promise<string> {
  const { stdin } = process;
  if (!stdin.isTTY) {
    let text = '';
    for await (const chunk of stdin) text += chunk;
    return asSecret(text);
  }
  const { default: password } = await import('@inquirer/password');
  // The prompt is on standard error, because standard output is for answers.
  const typed = await password(
    { message: `AppSecret of ${app}`, mask: '*' },
    { output: process.stderr },
  ).catch(() => {
    throw new CliError('usage', 'No AppSecret was given; nothing was changed.');
  });
  return asSecret(typed);
}

/**
 * WeChat's secrets are letters and digits, WeCom's also have - and _; a pasted one often comes with blanks or a line break.
 *
 * @throws CliError for what cannot be an AppSecret, without repeating it
 */
export function asSecret(text: string): string {
  const secret = text.trim();
  if (secret === '')
    throw new CliError('usage', 'The AppSecret is empty; paste it at the prompt, or pipe it in.');
  if (/\s/.test(secret))
    throw new CliError('usage', 'The AppSecret has blanks or several lines in it; give the secret alone.');
  if (secret.length > 256)
    throw new CliError('usage', 'The AppSecret has more than 256 characters; give the secret alone.');
  return secret;
}

/** The SecureString of one app's AppSecret, written by operators. */
export type SecretParameter = {
  readonly name: string;
  read(): Promise<string | undefined>;
  write(value: string): Promise<void>;
};

/** @param keyId the KMS key of the deployment; without it SSM uses its own */
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
