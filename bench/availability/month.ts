import { WechatErrorResponse } from '../../local/simulator/error-responses.ts';
import type { Operator } from '../../local/simulator/operator.ts';
import { DEMO_ACCOUNT } from '../../local/simulator/simulator.ts';
import { type CallEnd, type Candidate, SERVERS } from './candidate.ts';
import type { Fault, FaultKind } from './faults.ts';

export const MINUTE = 60_000;
const DAY = 24 * 60;
export const MONTH_START = Date.UTC(2026, 0, 1);
const LATE_MS = 50_000;
/** When the servers call, after the minute began. */
const CALL_AFTER_MS = 55_000;
const TOKEN_ROUTES = /^\/cgi-bin\/(token|stable_token)$/;

/** What came of a month, minute by minute: the worst that any of the four servers met. */
export type Month = {
  readonly name: string;
  readonly minutes: readonly CallEnd[];
  readonly deadSeconds: number;
  readonly failedCalls: number;
  readonly calls: number;
  /** Of the token interfaces. */
  readonly tokenCalls: number;
  /** Of others, to see whether the token is good. */
  readonly probes: number;
};

/** Plays the first `days` of a month with these faults. Each contender meets every one of them at the same instant. */
export async function playMonth(candidate: Candidate, faults: readonly Fault[], days = 30): Promise<Month> {
  const { clock, wechat } = candidate;
  const minutes: CallEnd[] = [];
  const standing = new Set<FaultKind>();
  let failedCalls = 0;
  for (let minute = 0; minute < days * DAY; minute++) {
    const begins = MONTH_START + minute * MINUTE;
    clock.set(begins);
    for (const fault of faults) await strike(candidate, fault, minute, standing);
    if (standing.has('tick-late')) clock.set(begins + LATE_MS);
    const deliveries = standing.has('no-ticks') ? 0 : standing.has('tick-twice') ? 2 : 1;
    await candidate.tick?.({ number: minute, deliveries });
    clock.set(begins + CALL_AFTER_MS);
    const ends = await candidate.call();
    failedCalls += ends.filter((end) => end !== 'ok').length;
    minutes.push(ends.includes('dead') ? 'dead' : ends.includes('none') ? 'none' : 'ok');
  }
  const calls = wechat.calls();
  const tokenCalls = calls.filter(({ route }) => TOKEN_ROUTES.test(route)).length;
  const probes = calls.filter(({ route }) => route === '/cgi-bin/get_api_domain_ip').length;
  await candidate.close?.();
  return {
    name: candidate.name,
    minutes,
    deadSeconds: minutes.filter((end) => end === 'dead').length * 60,
    failedCalls,
    calls: minutes.length * SERVERS,
    tokenCalls,
    probes,
  };
}

async function strike(
  { wechat, applyFault }: Candidate,
  fault: Fault,
  minute: number,
  standing: Set<FaultKind>,
): Promise<void> {
  const begins = minuteOf(fault);
  const { kind } = fault;
  if (minute === begins) {
    if (fault.minutes !== undefined) standing.add(kind);
    struck[kind]?.(wechat);
    await applyFault?.(kind, true);
  }
  if (fault.minutes !== undefined && minute === begins + fault.minutes) {
    standing.delete(kind);
    wechat.clearFaults();
    relieve(wechat, kind);
    await applyFault?.(kind, false);
  }
}

/** In minutes since the month began. */
export function minuteOf({ day, time }: Fault): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return (day - 1) * DAY + hours * 60 + minutes;
}

/** On the token interfaces, and on the probe: what apps call is another matter, and the same for all. */
const routes = ['/cgi-bin/token', '/cgi-bin/stable_token', '/cgi-bin/get_api_domain_ip'];

const struck: Partial<Record<FaultKind, (wechat: Operator) => void>> = {
  'wechat-busy': (wechat) =>
    wechat.addFault({ kind: 'errcode', errcode: -1, errmsg: 'system error', routes }),
  'wechat-unreachable': (wechat) => wechat.addFault({ kind: 'outage', routes }),
  'wechat-502': (wechat) => wechat.addFault({ kind: 'http-status', status: 502, routes }),
  'answer-lost': (wechat) => wechat.addFault({ kind: 'drop-after', count: 1, routes: routes.slice(0, 2) }),
  'short-lifetimes': (wechat) => wechat.setLifetime(3_600),
  'ip-refused': (wechat) => wechat.setAllowedIps(DEMO_ACCOUNT.appId, ['198.51.100.1']),
  'stranger-fetches': fetchAsStranger,
};

function relieve(wechat: Operator, kind: FaultKind): void {
  if (kind === 'short-lifetimes') wechat.setLifetime(7_200);
  if (kind === 'ip-refused') wechat.setAllowedIps(DEMO_ACCOUNT.appId, undefined);
}

function fetchAsStranger(wechat: Operator): void {
  try {
    wechat.rotate(DEMO_ACCOUNT.appId);
  } catch (error) {
    // Where the day's calls are spent, strangers get nothing either.
    if (!(error instanceof WechatErrorResponse)) throw error;
  }
}

/** DESIGN.md: a token that a stranger killed is found within `probeMinutes` and a tick, by default 5 and 1 minutes. */
const BOUND_MINUTES = 6;

/** Of the seconds with a dead token those by which a spell of them was longer than that. */
export function beyondBoundSeconds({ minutes }: Pick<Month, 'minutes'>): number {
  let spell = 0;
  let beyond = 0;
  for (const end of minutes) {
    spell = end === 'dead' ? spell + 1 : 0;
    if (spell > BOUND_MINUTES) beyond++;
  }
  return beyond * 60;
}
