import * as z from 'zod';
import { assertIpList } from './ip-list.ts';
import { issuedSchema } from './issued.ts';
import { emptyTally, tallySchema } from './quota.ts';

export type WecomAppOptions = {
  readonly corpId: string;
  readonly agentId: number;
  /** The app's own secret; no two apps of a corp share one. */
  readonly secret: string;
  /** Addresses and CIDR ranges that may ask for tokens; without it everybody may. */
  readonly trustedIps?: readonly string[] | undefined;
};

export const wecomTicketTypes = ['jsapi', 'agent_config'] as const;
export type WecomTicketType = (typeof wecomTicketTypes)[number];

const ticketTallies = z.strictObject({ jsapi: tallySchema, agent_config: tallySchema });

const wecomAppSchema = z.strictObject({
  agentId: z.number(),
  secret: z.string(),
  trustedIps: z.array(z.string()).optional(),
  tokens: z.array(issuedSchema),
  agentConfigTickets: z.array(issuedSchema),
  ticketCallsThisHour: ticketTallies,
});
export type WecomApp = z.infer<typeof wecomAppSchema>;

/** Everything that WeCom knows about one enterprise and its apps: plain data, so that it can be kept in a file. */
export const corpSchema = z.strictObject({
  corpId: z.string(),
  serial: z.number(),
  apps: z.array(wecomAppSchema),
  jsapiTickets: z.array(issuedSchema),
  tokenCallsThisMinute: tallySchema,
  tokenCallsThisHour: tallySchema,
  failuresThisHour: tallySchema,
  /** The end of a block for too many failing calls, over or not. */
  blockedUntil: z.number().optional(),
  ticketCallsThisHour: ticketTallies,
});
export type Corp = z.infer<typeof corpSchema>;

/** An app, and the corp it belongs to. */
export type Agent = { readonly corp: Corp; readonly app: WecomApp };

/** An enterprise without apps, that never asked for anything. */
export function openCorp(corpId: string): Corp {
  return {
    corpId,
    serial: 0,
    apps: [],
    jsapiTickets: [],
    tokenCallsThisMinute: emptyTally(),
    tokenCallsThisHour: emptyTally(),
    failuresThisHour: emptyTally(),
    ticketCallsThisHour: { jsapi: emptyTally(), agent_config: emptyTally() },
  };
}

/**
 * An app that never asked for anything.
 *
 * @throws TypeError when `trustedIps` holds something else than IPs and CIDRs
 */
export function openWecomApp({ agentId, secret, trustedIps }: Omit<WecomAppOptions, 'corpId'>): WecomApp {
  if (trustedIps) assertIpList(trustedIps);
  return {
    agentId,
    secret,
    ...(trustedIps && { trustedIps: [...trustedIps] }),
    tokens: [],
    agentConfigTickets: [],
    ticketCallsThisHour: { jsapi: emptyTally(), agent_config: emptyTally() },
  };
}
