import { setTimeout as sleep } from 'node:timers/promises';
import type { CredentialResult } from '../../functions/core/reporting/results.ts';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import type { RefresherClient } from '../refresher-client.ts';
import type { SecretParameter } from '../secret-parameter.ts';
import type { Terminal } from '../terminal.ts';
import { refresh } from './refresh.ts';

export type SecretContext = {
  readonly refresher: RefresherClient;
  readonly parameter: SecretParameter;
  readonly terminal: Terminal;
};

/** Writes an app's AppSecret and lets the refresher try it at once. */
export async function setSecret(app: string, secret: string, means: SecretContext): Promise<ExitCode> {
  const { refresher, parameter, terminal } = means;
  await parameter.write(secret);
  terminal.say(`Wrote ${parameter.name}.`);
  return refresh(refresher, terminal, app, {});
}

/** A forced renewal is let through once in 30 s, and somebody else's may be under way. */
const ROTATE_TIMEOUT_MS = 90_000;
const ROTATE_POLL_MS = 3_000;

/**
 * Replaces an AppSecret that works by another. WeChat has the last word: unless it takes the new one, the old one is put
 * back, whatever happens meanwhile.
 */
export async function rotateSecret(
  app: string,
  secret: string,
  { refresher, parameter, terminal }: SecretContext,
  tries: { forMs: number; everyMs: number } = { forMs: ROTATE_TIMEOUT_MS, everyMs: ROTATE_POLL_MS },
): Promise<ExitCode> {
  const old = await parameter.read();
  if (old === undefined) {
    throw new CliError(
      'problem',
      `${app} has no AppSecret yet: use \`wechat-token-refresher secret set ${app}\`.`,
    );
  }
  if (old === secret)
    throw new CliError('usage', `That is the AppSecret that ${app} has already; nothing was changed.`);

  const interrupted = new AbortController();
  const stop = () => interrupted.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  let refusal: string;
  try {
    await parameter.write(secret);
    const tried = await terminal.during('Asking WeChat with the new AppSecret', () =>
      tryAtWechat(app, refresher, { ...tries, signal: interrupted.signal }),
    );
    if (tried.accepted) {
      terminal.say(`WeChat took the new AppSecret of ${app}; it stands in ${parameter.name}.`);
      terminal.answer({ app, rotated: true });
      return exitCodes.ok;
    }
    refusal = tried.why;
  } catch (error) {
    await parameter.write(old);
    throw error;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, stop);
  }
  await parameter.write(old);
  // It may be backing off for the refusal that it has just met; a changed secret skips that.
  await refresher.refresh({ app });
  terminal.note(
    `The new AppSecret of ${app} was not taken, so the old one is back in ${parameter.name}: ${refusal}`,
  );
  terminal.answer({ app, rotated: false, why: refusal });
  return exitCodes.problem;
}

type Tried = { readonly accepted: true } | { readonly accepted: false; readonly why: string };

async function tryAtWechat(
  app: string,
  refresher: RefresherClient,
  { forMs, everyMs, signal }: { forMs: number; everyMs: number; signal: AbortSignal },
): Promise<Tried> {
  const deadline = Date.now() + forMs;
  for (;;) {
    const results = await refresher.refresh({
      app,
      credential: 'access-token',
      force: true,
      reason: 'the AppSecret was rotated',
    });
    const result = results.find(({ credential }) => credential === 'access-token');
    const verdict = verdictOf(result);
    if (verdict) return verdict;
    if (signal.aborted) return { accepted: false, why: 'it was interrupted.' };
    if (Date.now() + everyMs > deadline) {
      return {
        accepted: false,
        why: `the refresher did not ask WeChat in time (${result?.reason ?? 'no result'}).`,
      };
    }
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

/** @returns undefined when WeChat was not asked, so that nothing is known yet */
function verdictOf(result: CredentialResult | undefined): Tried | undefined {
  if (result?.outcome === 'renewed' || result?.outcome === 'unchanged') return { accepted: true };
  if (result?.outcome === 'failed') return { accepted: false, why: result.error?.message ?? result.reason };
  return undefined;
}
