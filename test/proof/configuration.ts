import type { App } from '../../functions/core/credential.ts';
import { timingOf } from '../../functions/core/rules/timing.ts';
import { crm, mini, shop } from '../support/apps.ts';

/** The deployment under test: every kind of credential, with the default schedule. */

export const MINUTE_MS = 60_000;
export const START = Date.UTC(2026, 0, 1);
export const schedule = {
  refreshAfterMs: 100 * MINUTE_MS,
  probeMs: 3 * MINUTE_MS,
  timing: timingOf(MINUTE_MS),
};

export const official = { ...shop, tickets: ['jsapi', 'wx_card'] } as const;
export const apps = [official, mini, crm] as const satisfies readonly App[];
