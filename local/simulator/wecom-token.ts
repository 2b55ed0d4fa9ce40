import type { Agent, WecomApp } from './corp.ts';
import { currentOf, type Issued, issue, type Terms } from './issued.ts';
import { mint } from './mint.ts';

/**
 * `/cgi-bin/gettoken` of an admitted app: the same token to the very end of its life, then a new one
 * (WECHAT.md, "WeCom"). Unlike a stable token it has no overlap.
 */
export function grantWecomToken({ corp, app }: Agent, now: number, terms: Terms): Issued {
  return currentOf(app.tokens, now) ?? issue(app.tokens, mint(corp, corp.corpId, 'wecom', now), now, terms);
}

/** "WeCom may invalidate it early": the token is dead from `now` on, and the next call gets a new one. */
export function invalidateToken({ tokens }: WecomApp, now: number): void {
  const current = currentOf(tokens, now);
  if (current) current.diesAt = now;
}
