import * as z from 'zod';
import { fingerprintOf } from '../../functions/core/credential.ts';
import { accountErrorCodes, WechatErrorResponse } from './error-responses.ts';
import { faultSchema } from './faults.ts';
import { ticketTypes } from './official-account.ts';
import type { Operator } from './operator.ts';
import type { Call } from './request-handler.ts';
import { UnknownAccountError } from './state.ts';
import { wecomTicketTypes } from './wecom.ts';

/** Where the operator's methods are served over HTTP, for tests that run in another process. */
export const CONTROL_PREFIX = '/_simulator/';

const nonEmpty = z.string().min(1);
const ipList = z.array(
  z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'not an IP address or CIDR range'),
);
const appId = nonEmpty;
const agent = { corpId: nonEmpty, agentId: z.int().positive() };
const bodies = {
  account: z.strictObject({
    appId,
    secret: nonEmpty,
    allowedIps: ipList.optional(),
    dailyTokenQuota: z.int().positive().optional(),
  }),
  clock: z.strictObject({ advanceMs: z.int().nonnegative() }),
  rotate: z.strictObject({ appId }),
  burnQuota: z.strictObject({ appId }),
  ipList: z.strictObject({ appId, allowedIps: ipList.nullable() }),
  secret: z.strictObject({ appId, secret: nonEmpty }),
  state: z.strictObject({ appId, errcode: z.literal(accountErrorCodes).nullable() }),
  wecomApp: z.strictObject({ ...agent, secret: nonEmpty, trustedIps: ipList.optional() }),
  wecomInvalidate: z.strictObject(agent),
  wecomSecret: z.strictObject({ ...agent, secret: nonEmpty }),
  trustedIps: z.strictObject({ ...agent, trustedIps: ipList.nullable() }),
};

/** Checks the request's JSON or query, and returns the body of the answer. */
type Command = (operator: Operator, json: unknown, query: URLSearchParams) => object;

/** A command whose answer is empty. */
function silent(work: (operator: Operator, json: unknown) => void): Command {
  return (operator, json) => {
    work(operator, json);
    return {};
  };
}

const commands: Readonly<Record<string, Command>> = {
  'GET /_simulator/state': describeState,
  'GET /_simulator/calls': (operator, _json, query) => operator.calls(query.get('route') ?? undefined),
  'GET /_simulator/alive': (operator, _json, query) => ({
    alive: operator.isTokenValid(z.object({ token: z.string() }).parse(Object.fromEntries(query)).token),
  }),
  'POST /_simulator/accounts': silent((operator, json) => operator.addAccount(bodies.account.parse(json))),
  'POST /_simulator/faults': silent((operator, json) => operator.addFault(faultSchema.parse(json))),
  'DELETE /_simulator/faults': silent((operator) => operator.clearFaults()),
  'POST /_simulator/clock': (operator, json) => {
    operator.clock.advance(bodies.clock.parse(json).advanceMs);
    return { now: operator.clock.now() };
  },
  'POST /_simulator/rotate': (operator, json) => ({
    fingerprint: fingerprintOf(operator.rotate(bodies.rotate.parse(json).appId)),
  }),
  'POST /_simulator/burn-quota': silent((operator, json) =>
    operator.burnDailyQuota(bodies.burnQuota.parse(json).appId),
  ),
  'POST /_simulator/ip-list': silent((operator, json) => {
    const body = bodies.ipList.parse(json);
    operator.setAllowedIps(body.appId, body.allowedIps ?? undefined);
  }),
  'POST /_simulator/secret': silent((operator, json) => {
    const body = bodies.secret.parse(json);
    operator.setSecret(body.appId, body.secret);
  }),
  'POST /_simulator/state': silent((operator, json) => {
    const body = bodies.state.parse(json);
    operator.setState(body.appId, body.errcode ?? undefined);
  }),
  'POST /_simulator/wecom-apps': silent((operator, json) =>
    operator.addWecomApp(bodies.wecomApp.parse(json)),
  ),
  'POST /_simulator/wecom-invalidate': silent((operator, json) => {
    const body = bodies.wecomInvalidate.parse(json);
    operator.invalidateWecomToken(body.corpId, body.agentId);
  }),
  'POST /_simulator/wecom-secret': silent((operator, json) => {
    const body = bodies.wecomSecret.parse(json);
    operator.setWecomSecret(body.corpId, body.agentId, body.secret);
  }),
  'POST /_simulator/trusted-ips': silent((operator, json) => {
    const body = bodies.trustedIps.parse(json);
    operator.setTrustedIps(body.corpId, body.agentId, body.trustedIps ?? undefined);
  }),
};

/**
 * Answers one request below `CONTROL_PREFIX`: 400 names the field that is wrong, 404 the route or account that
 * does not exist, 409 has WeChat's message when it refuses what was asked for.
 */
export function answerControlRequest(
  operator: Operator,
  request: { method: string; path: string; query: URLSearchParams; json: unknown },
): { status: number; body: object } {
  const command = commands[`${request.method} ${request.path}`];
  if (!command) return { status: 404, body: { error: `no ${request.method} ${request.path}` } };
  try {
    return { status: 200, body: command(operator, request.json, request.query) };
  } catch (error) {
    if (error instanceof z.ZodError) return { status: 400, body: { error: describeIssues(error) } };
    if (error instanceof WechatErrorResponse) return { status: 409, body: { error: error.message } };
    if (error instanceof UnknownAccountError) return { status: 404, body: { error: error.message } };
    throw error;
  }
}

function describeIssues(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; ');
}

/** Everything at a glance. Fingerprints instead of values, because the answer may be logged. */
function describeState(operator: Operator): object {
  const accounts = operator.appIds().map((id) => ({
    appId: id,
    calls: countByRoute(operator.calls().filter((call) => call.appId === id)),
    tokens: {
      classic: fingerprintOrNull(operator.currentToken(id, 'classic')),
      stable: fingerprintOrNull(operator.currentToken(id, 'stable')),
    },
    tickets: Object.fromEntries(
      ticketTypes.map((type) => [type, fingerprintOrNull(operator.currentTicket(id, type))]),
    ),
  }));
  // Without their calls, which are logged by corp, not by app.
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

function countByRoute(calls: readonly Call[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { route } of calls) counts[route] = (counts[route] ?? 0) + 1;
  return counts;
}

function fingerprintOrNull(value: string | undefined): string | null {
  return value === undefined ? null : fingerprintOf(value);
}
