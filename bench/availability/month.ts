import { WechatErrorResponse } from '../../local/simulator/error-responses.ts';
import type { Operator } from '../../local/simulator/operator.ts';
import { DEMO_ACCOUNT } from '../../local/simulator/simulator.ts';
import { type CallResult, type Candidate, SERVERS } from './candidate.ts';
import type { Fault, FaultKind } from './faults.ts';

export const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
export const MONTH_START = Date.UTC(2026, 0, 1);
const LATE_MS = 50_000;
/** When the servers call, after the start of the minute. */
const CALL_AFTER_MS = 55_000;
const PROBES = ['/cgi-bin/get_api_domain_ip', '/cgi-bin/openapi/quota/get'];
const TOKEN_ROUTES = /^\/cgi-bin\/(token|stable_token)$/;

/** The results of a month. */
export type Month = {
  readonly name: string;
  /** Of each minute the worst result of the four servers. */
  readonly minutes: readonly CallResult[];
  readonly invalidSeconds: number;
  readonly failedCalls: number;
  readonly calls: number;
  /** Calls of the token interfaces. */
  readonly tokenCalls: number;
  /** Other calls, which check whether the token is still valid. */
  readonly probes: number;
};

/** Plays the first `days` of a month with these faults. Each candidate gets every fault at the same instant. */
export async function playMonth(candidate: Candidate, faults: readonly Fault[], days = 30): Promise<Month> {
  const { clock, wechat } = candidate;
  const minutes: CallResult[] = [];
  const active = new Set<FaultKind>();
  let failedCalls = 0;
  for (let minute = 0; minute < days * DAY_MINUTES; minute++) {
    const startsAt = MONTH_START + minute * MINUTE_MS;
    clock.set(startsAt);
    for (const fault of faults) await startOrEnd(fault, { candidate, minute, active });
    if (active.has('tick-late')) clock.set(startsAt + LATE_MS);
    const deliveries = active.has('no-ticks') ? 0 : active.has('tick-twice') ? 2 : 1;
    await candidate.tick?.({ number: minute, deliveries });
    clock.set(startsAt + CALL_AFTER_MS);
    const results = await candidate.call();
    failedCalls += results.filter((result) => result !== 'ok').length;
    minutes.push(results.includes('invalid') ? 'invalid' : results.includes('none') ? 'none' : 'ok');
  }
  const calls = wechat.calls();
  const tokenCalls = calls.filter(({ route }) => TOKEN_ROUTES.test(route)).length;
  const probes = calls.filter(({ route }) => PROBES.includes(route)).length;
  await candidate.close?.();
  return {
    name: candidate.name,
    minutes,
    invalidSeconds: minutes.filter((result) => result === 'invalid').length * 60,
    failedCalls,
    calls: minutes.length * SERVERS,
    tokenCalls,
    probes,
  };
}

async function startOrEnd(
  fault: Fault,
  { candidate, minute, active }: { candidate: Candidate; minute: number; active: Set<FaultKind> },
): Promise<void> {
  const { wechat, applyFault } = candidate;
  const { kind } = fault;
  const startsAt = minuteOf(fault);
  if (minute === startsAt) {
    if (fault.minutes !== undefined) active.add(kind);
    startInWechat[kind]?.(wechat);
    await applyFault?.(kind, true);
  }
  if (fault.minutes !== undefined && minute === startsAt + fault.minutes) {
    active.delete(kind);
    endInWechat(wechat, kind);
    await applyFault?.(kind, false);
  }
}

/** Minutes since the start of the month. */
export function minuteOf({ day, time }: Fault): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return (day - 1) * DAY_MINUTES + hours * 60 + minutes;
}

/** Faults affect the token interfaces and the probe only: they would fail the apps' own calls for every candidate alike. */
const routes = ['/cgi-bin/token', '/cgi-bin/stable_token', ...PROBES];

const startInWechat: Partial<Record<FaultKind, (wechat: Operator) => void>> = {
  'wechat-busy': (wechat) =>
    wechat.addFault({ kind: 'errcode', errcode: -1, errmsg: 'system error', routes }),
  'wechat-unreachable': (wechat) => wechat.addFault({ kind: 'outage', routes }),
  'wechat-502': (wechat) => wechat.addFault({ kind: 'http-status', status: 502, routes }),
  'answer-lost': (wechat) => wechat.addFault({ kind: 'drop-after', count: 1, routes: routes.slice(0, 2) }),
  'short-lifetimes': (wechat) => wechat.setLifetime(3_600),
  'ip-not-allowed': (wechat) => wechat.setAllowedIps(DEMO_ACCOUNT.appId, ['198.51.100.1']),
  'another-client-fetches': fetchAsAnotherClient,
};

function endInWechat(wechat: Operator, kind: FaultKind): void {
  wechat.clearFaults();
  if (kind === 'short-lifetimes') wechat.setLifetime(7_200);
  if (kind === 'ip-not-allowed') wechat.setAllowedIps(DEMO_ACCOUNT.appId, undefined);
}

function fetchAsAnotherClient(wechat: Operator): void {
  try {
    wechat.rotate(DEMO_ACCOUNT.appId);
  } catch (error) {
    // The account's daily quota is shared: when it is used up, the other client gets no token either.
    if (!(error instanceof WechatErrorResponse)) throw error;
  }
}

/** A token that another client invalidated is found within `probeMinutes` and a tick, even where WeChat gives no count; six minutes are ample. */
const BOUND_MINUTES = 6;

/** The seconds with an invalid token that exceed the bound, counted for each period of consecutive minutes. */
export function beyondBoundSeconds({ minutes }: Pick<Month, 'minutes'>): number {
  let period = 0;
  let beyond = 0;
  for (const result of minutes) {
    period = result === 'invalid' ? period + 1 : 0;
    if (period > BOUND_MINUTES) beyond++;
  }
  return beyond * 60;
}
