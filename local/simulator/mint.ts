import { createHash } from 'node:crypto';
import type { TokenApi } from './account.ts';

/** Who hands out values, such as an account or a corp. */
export type Issuer = {
  /** Counts the values handed out, so that no two are alike. */
  serial: number;
};

/**
 * A value that was never handed out before, about as long as WeChat's own. Its prefix lets a test search logs
 * and templates for leaks: `sim(classic|stable|wecom|ticket)_`. The instant is part of it, so that a simulator
 * which lost its memory does not repeat itself.
 *
 * @param id AppID or CorpID of the issuer
 */
export function mint(issuer: Issuer, id: string, kind: TokenApi | 'wecom' | 'ticket', now: number): string {
  issuer.serial += 1;
  const noise = createHash('shake256', { outputLength: 96 })
    .update(`${id} ${kind} ${issuer.serial} ${now}`)
    .digest('base64url');
  return `sim${kind}_${noise}`;
}
