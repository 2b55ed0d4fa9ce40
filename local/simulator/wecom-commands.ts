import * as z from 'zod';
import { type Commands, done, ipList, nonEmpty } from './command.ts';

const agent = { corpId: nonEmpty, agentId: z.int().positive() };
const bodies = {
  app: z.strictObject({ ...agent, secret: nonEmpty, trustedIps: ipList.optional() }),
  invalidate: z.strictObject(agent),
  secret: z.strictObject({ ...agent, secret: nonEmpty }),
  trustedIps: z.strictObject({ ...agent, trustedIps: ipList.nullable() }),
};

/** What the control plane does to WeCom apps. */
export const wecomCommands: Commands = {
  'POST /_simulator/wecom-apps': done((operator, json) => operator.addWecomApp(bodies.app.parse(json))),
  'POST /_simulator/wecom-invalidate': done((operator, json) => {
    const body = bodies.invalidate.parse(json);
    operator.invalidateWecomToken(body.corpId, body.agentId);
  }),
  'POST /_simulator/wecom-secret': done((operator, json) => {
    const body = bodies.secret.parse(json);
    operator.setWecomSecret(body.corpId, body.agentId, body.secret);
  }),
  'POST /_simulator/trusted-ips': done((operator, json) => {
    const body = bodies.trustedIps.parse(json);
    operator.setTrustedIps(body.corpId, body.agentId, body.trustedIps ?? undefined);
  }),
};
