import { createHash } from 'node:crypto';
import { ticketTypes } from './account.ts';
import { countByRoute } from './calls.ts';
import { wecomTicketTypes } from './corp.ts';
import type { Operator } from './operator.ts';

/** Everything at a glance. Fingerprints only: this answer may end in somebody's log. */
export function describeState(operator: Operator): object {
  const accounts = operator.appIds().map((appId) => ({
    appId,
    calls: countByRoute(operator.calls().filter((call) => call.appId === appId)),
    tokens: {
      classic: fingerprintOrNull(operator.currentToken(appId, 'classic')),
      stable: fingerprintOrNull(operator.currentToken(appId, 'stable')),
    },
    tickets: Object.fromEntries(
      ticketTypes.map((type) => [type, fingerprintOrNull(operator.currentTicket(appId, type))]),
    ),
  }));
  // Without their calls, which the log knows by corp only.
  const wecomApps = operator.wecomApps().map(({ corpId, agentId }) => ({
    corpId,
    agentId,
    token: fingerprintOrNull(operator.currentWecomToken(corpId, agentId)),
    tickets: Object.fromEntries(
      wecomTicketTypes.map((type) => [
        type,
        fingerprintOrNull(operator.currentWecomTicket(corpId, agentId, type)),
      ]),
    ),
  }));
  return { now: operator.clock.now(), calls: countByRoute(operator.calls()), accounts, wecomApps };
}

/** SHA-256 hex: names a value without revealing it. */
export function fingerprintOf(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}

function fingerprintOrNull(value: string | undefined): string | null {
  return value === undefined ? null : fingerprintOf(value);
}
