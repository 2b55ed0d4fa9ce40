import type { WechatApp } from './credential.ts';
import { SourceError } from './errors.ts';
import type { Diagnostics, SecretStore } from './ports.ts';
import { missingSecret } from './steps/fetch.ts';

/** What came of a reset of the day's quota. With `error` it was refused, or its answer was lost. */
export type QuotaCleared = {
  readonly app: string;
  readonly error?: { readonly code: string; readonly message: string };
};

/**
 * Sets the day's calls of every interface of the app's account back to 0 at WeChat, which allows it ten times a month:
 * docs/wechat.md#is-a-token-still-valid. The record stays as it is. Like a renewal that fails, a refusal is a result.
 */
export async function clearQuota(
  app: WechatApp,
  { secrets, diagnostics }: { secrets: SecretStore; diagnostics: Pick<Diagnostics, 'clearQuota'> },
): Promise<QuotaCleared> {
  try {
    // An operator waits for it, perhaps right after a new secret was written.
    const secret = await secrets.reread(app);
    if (!secret) throw missingSecret(app, secrets);
    await diagnostics.clearQuota(app, secret.value);
    return { app: app.name };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    const perhapsDone = error.mayHaveRotated
      ? ` WeChat may have reset the quota all the same: run \`wechat-token-refresher doctor ${app.name}\` before you try again.`
      : '';
    return { app: app.name, error: { code: error.code, message: `${error.message}${perhapsDone}` } };
  }
}
