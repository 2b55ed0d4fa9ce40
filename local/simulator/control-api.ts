import * as z from 'zod';
import { fingerprintOf } from '../../functions/core/credential.ts';
import { accountErrorCodes, WechatErrorResponse } from './error-responses.ts';
import { faultSchema } from './faults.ts';
import { accountKinds, countOptionsSchema, ticketTypes } from './official-account.ts';
import type { Operator } from './operator.ts';
import type { Call } from './request-handler.ts';
import { UnknownAccountError } from './state.ts';
import { wecomAppIdOf, wecomTicketTypes } from './wecom.ts';

/** Where the operator's methods are served over HTTP, for tests that run in another process. */
export const CONTROL_PREFIX = '/_simulator/';

const nonEmpty = z.string().min(1);
const ipList = z.array(
  z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'not an IP address or CIDR range'),
);
const appId = nonEmpty;
const invalidatesTokens = z.boolean().optional();

/** A WeCom app by its agent, or by its name if it has none, and what else the body has. */
function wecomBody<Shape extends z.ZodRawShape>(shape: Shape) {
  const named = { corpId: nonEmpty, agentId: z.int().positive().optional(), name: nonEmpty.optional() };
  return z.strictObject({ ...named, ...shape }).refine(hasEitherName, {
    path: ['agentId'],
    message: 'an app has either an agentId or a name',
  });
}

function hasEitherName(body: object): boolean {
  const hasAgent = 'agentId' in body;
  const hasName = 'name' in body;
  return hasAgent !== hasName;
}

const bodies = {
  account: z.strictObject({
    appId,
    secret: nonEmpty,
    kind: z.enum(accountKinds).optional(),
    allowedIps: ipList.optional(),
    dailyTokenQuota: z.int().positive().optional(),
    count: countOptionsSchema.optional(),
  }),
  clock: z.strictObject({ advanceMs: z.int().nonnegative() }),
  callerIp: z.strictObject({ callerIp: z.union([z.ipv4(), z.ipv6()], 'not an IP address') }),
  byAppId: z.strictObject({ appId }),
  burnQuota: z.strictObject({ appId, route: z.string().startsWith('/').optional() }),
  count: countOptionsSchema.extend({ appId }),
  invalidate: z.strictObject({
    appId,
    api: z.enum(['classic', 'stable']).optional(),
    stillGranted: z.boolean().optional(),
  }),
  ipList: z.strictObject({ appId, allowedIps: ipList.nullable() }),
  secret: z.strictObject({ appId, secret: nonEmpty, invalidatesTokens }),
  state: z.strictObject({ appId, errcode: z.literal(accountErrorCodes).nullable() }),
  wecomApp: wecomBody({ secret: nonEmpty, trustedIps: ipList.optional() }),
  wecomInvalidate: wecomBody({}),
  wecomSecret: wecomBody({ secret: nonEmpty, invalidatesTokens }),
  trustedIps: wecomBody({ trustedIps: ipList.nullable() }),
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
    fingerprint: fingerprintOf(operator.rotate(bodies.byAppId.parse(json).appId)),
  }),
  'POST /_simulator/caller-ip': silent((operator, json) =>
    operator.setCallerIp(bodies.callerIp.parse(json).callerIp),
  ),
  'POST /_simulator/burn-quota': silent((operator, json) => {
    const body = bodies.burnQuota.parse(json);
    operator.burnDailyQuota(body.appId, body.route);
  }),
  'POST /_simulator/count': silent((operator, json) => {
    const { appId: id, ...options } = bodies.count.parse(json);
    operator.setCount(id, options);
  }),
  'POST /_simulator/invalidate': silent((operator, json) => {
    const { appId: id, ...options } = bodies.invalidate.parse(json);
    operator.invalidate(id, options);
  }),
  'POST /_simulator/refuse-tickets': silent((operator, json) =>
    operator.refuseTickets(bodies.byAppId.parse(json).appId),
  ),
  'POST /_simulator/ip-list': silent((operator, json) => {
    const body = bodies.ipList.parse(json);
    operator.setAllowedIps(body.appId, body.allowedIps ?? undefined);
  }),
  'POST /_simulator/secret': silent((operator, json) => {
    const body = bodies.secret.parse(json);
    operator.setSecret(body.appId, body.secret, body);
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
    operator.invalidateWecomToken(body.corpId, wecomAppIdOf(body));
  }),
  'POST /_simulator/wecom-secret': silent((operator, json) => {
    const body = bodies.wecomSecret.parse(json);
    operator.setWecomSecret(body.corpId, wecomAppIdOf(body), body.secret, body);
  }),
  'POST /_simulator/trusted-ips': silent((operator, json) => {
    const body = bodies.trustedIps.parse(json);
    operator.setTrustedIps(body.corpId, wecomAppIdOf(body), body.trustedIps ?? undefined);
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
  const wecomApps = operator.wecomApps().map((app) => {
    const id = wecomAppIdOf(app);
    return {
      ...app,
      token: fingerprintOrNull(operator.currentWecomToken(app.corpId, id)),
      tickets: Object.fromEntries(
        wecomTicketTypes.map((type) => [
          type,
          fingerprintOrNull(operator.currentWecomTicket(app.corpId, id, type)),
        ]),
      ),
    };
  });
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
