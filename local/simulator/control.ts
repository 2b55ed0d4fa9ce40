import * as z from 'zod';
import { type Commands, done, ipList, nonEmpty } from './command.ts';
import { accountRefusals } from './errors.ts';
import { faultSchema } from './faults.ts';
import type { Operator } from './operator.ts';
import { Refusal } from './refusal.ts';
import { describeState, fingerprintOf } from './state-report.ts';
import { wecomCommands } from './wecom-commands.ts';
import { UnknownAccountError } from './world.ts';

/** The operator's methods over HTTP, for tests that run in another process. */
export const CONTROL_PREFIX = '/_simulator/';

const appId = nonEmpty;
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
  state: z.strictObject({ appId, errcode: z.literal(accountRefusals).nullable() }),
};

const commands: Commands = {
  ...wecomCommands,
  'GET /_simulator/state': describeState,
  'GET /_simulator/calls': (operator, _json, query) => operator.calls(query.get('route') ?? undefined),
  'GET /_simulator/alive': (operator, _json, query) => ({
    alive: operator.tokenAlive(z.object({ token: z.string() }).parse(Object.fromEntries(query)).token),
  }),
  'POST /_simulator/accounts': done((operator, json) => operator.addAccount(bodies.account.parse(json))),
  'POST /_simulator/faults': done((operator, json) => operator.addFault(faultSchema.parse(json))),
  'DELETE /_simulator/faults': done((operator) => operator.clearFaults()),
  'POST /_simulator/clock': (operator, json) => {
    operator.clock.advance(bodies.clock.parse(json).advanceMs);
    return { now: operator.clock.now() };
  },
  'POST /_simulator/rotate': (operator, json) => ({
    fingerprint: fingerprintOf(operator.rotate(bodies.rotate.parse(json).appId)),
  }),
  'POST /_simulator/burn-quota': done((operator, json) =>
    operator.burnDailyQuota(bodies.burnQuota.parse(json).appId),
  ),
  'POST /_simulator/ip-list': done((operator, json) => {
    const body = bodies.ipList.parse(json);
    operator.setAllowedIps(body.appId, body.allowedIps ?? undefined);
  }),
  'POST /_simulator/secret': done((operator, json) => {
    const body = bodies.secret.parse(json);
    operator.setSecret(body.appId, body.secret);
  }),
  'POST /_simulator/state': done((operator, json) => {
    const body = bodies.state.parse(json);
    operator.setState(body.appId, body.errcode ?? undefined);
  }),
};

/**
 * Answers one request below `CONTROL_PREFIX`: 400 names the field that is wrong, 404 the route or account
 * that is not there, 409 tells what WeChat refused to do.
 */
export function control(
  operator: Operator,
  request: { method: string; path: string; query: URLSearchParams; json: unknown },
): { status: number; body: object } {
  const command = commands[`${request.method} ${request.path}`];
  if (!command) return { status: 404, body: { error: `no ${request.method} ${request.path}` } };
  try {
    return { status: 200, body: command(operator, request.json, request.query) };
  } catch (error) {
    if (error instanceof z.ZodError) return { status: 400, body: { error: describeIssues(error) } };
    if (error instanceof Refusal) return { status: 409, body: { error: error.message } };
    if (error instanceof UnknownAccountError) return { status: 404, body: { error: error.message } };
    throw error;
  }
}

function describeIssues(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; ');
}
