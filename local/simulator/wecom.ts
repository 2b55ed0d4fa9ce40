import * as z from 'zod';
import { WecomError } from './error-responses.ts';
import { assertIpList, isAllowed } from './ip-list.ts';
import {
  currentOf,
  findIssued,
  type IssuedValue,
  type IssuePolicy,
  invalidateAll,
  issue,
  issuedValueSchema,
  isValid,
  mintValue,
} from './issued-values.ts';
import { callCounterSchema, consume, hourOf, minuteOf, newCounter } from './quotas.ts';

/** How an app of a corp is known: by its agent, or by a name if it has none. */
export type WecomAppId = number | string;

/** 企业微信: one app of a corp. */
export type WecomAppOptions = {
  readonly corpId: string;
  readonly agentId?: number | undefined;
  /** Of a secret without an agent, such as 通讯录同步 (docs/wechat.md#wecom); not used if there is an agent. */
  readonly name?: string | undefined;
  /** The app's own secret; no two apps of a corp share one. */
  readonly secret: string;
  /** Addresses and CIDR ranges that may call; by default all. */
  readonly trustedIps?: readonly string[] | undefined;
};

export const wecomTicketTypes = ['jsapi', 'agent_config'] as const;
export type WecomTicketType = (typeof wecomTicketTypes)[number];

const ticketCounters = z.strictObject({ jsapi: callCounterSchema, agent_config: callCounterSchema });

const wecomAppSchema = z.strictObject({
  id: z.union([z.number(), z.string()]),
  secret: z.string(),
  trustedIps: z.array(z.string()).optional(),
  tokens: z.array(issuedValueSchema),
  agentConfigTickets: z.array(issuedValueSchema),
  ticketCallsThisHour: ticketCounters,
});
export type WecomApp = z.infer<typeof wecomAppSchema>;

/** Everything that WeCom knows about one corp and its apps: plain data, so that it can be kept in a file. */
export const corpSchema = z.strictObject({
  corpId: z.string(),
  serial: z.number(),
  apps: z.array(wecomAppSchema),
  jsapiTickets: z.array(issuedValueSchema),
  tokenCallsThisMinute: callCounterSchema,
  tokenCallsThisHour: callCounterSchema,
  failuresThisHour: callCounterSchema,
  /** The end of a block for too many failing calls, which may lie in the past. */
  blockedUntil: z.number().optional(),
  ticketCallsThisHour: ticketCounters,
});
export type Corp = z.infer<typeof corpSchema>;
export type Corps = ReadonlyMap<string, Corp>;

/** An app with the corp that it belongs to. */
export type Agent = { readonly corp: Corp; readonly app: WecomApp };

const TOKEN_CALLS_PER_MINUTE = 10_000;
const TOKEN_CALLS_PER_HOUR = 150_000;
const FAILURES_PER_HOUR = 2_000;
const BLOCK_MS = 3_600_000;
const TICKET_CALLS_PER_APP_AND_HOUR = 100;
const TICKET_CALLS_PER_CORP_AND_HOUR = 400;

/** A new corp without apps. */
export function createCorp(corpId: string): Corp {
  return {
    corpId,
    serial: 0,
    apps: [],
    jsapiTickets: [],
    tokenCallsThisMinute: newCounter(),
    tokenCallsThisHour: newCounter(),
    failuresThisHour: newCounter(),
    ticketCallsThisHour: { jsapi: newCounter(), agent_config: newCounter() },
  };
}

/**
 * A new app, to which nothing was issued yet.
 *
 * @throws TypeError when `trustedIps` holds something else than IPs and CIDRs, or there is neither agent nor name
 */
export function createWecomApp(options: Omit<WecomAppOptions, 'corpId'>): WecomApp {
  const { secret, trustedIps } = options;
  if (trustedIps) assertIpList(trustedIps);
  return {
    id: wecomAppIdOf(options),
    secret,
    ...(trustedIps && { trustedIps: [...trustedIps] }),
    tokens: [],
    agentConfigTickets: [],
    ticketCallsThisHour: { jsapi: newCounter(), agent_config: newCounter() },
  };
}

/** @throws TypeError when there is neither */
export function wecomAppIdOf({ agentId, name }: Pick<WecomAppOptions, 'agentId' | 'name'>): WecomAppId {
  const id = agentId ?? name;
  if (id === undefined) throw new TypeError('a WeCom app has an agentId or a name');
  return id;
}

/** The same the other way round, to show to people. */
export function namesOf({ id }: WecomApp): { agentId: number } | { name: string } {
  return typeof id === 'number' ? { agentId: id } : { name: id };
}

/** The corp that a caller of `gettoken` names, else 41002 or 40013. */
export function findCorp(corps: Corps, corpId: string | null): Corp {
  if (!corpId) throw new WecomError(41002);
  const corp = corps.get(corpId);
  if (!corp) throw new WecomError(40013);
  return corp;
}

/**
 * The app of the corp that has this secret, else 41004 or 40001; 60020 when the app does not trust the caller's
 * address (docs/wechat.md#ip-lists). The secret alone identifies the app: `gettoken` has no `agentid`.
 */
export function authenticateApp(corp: Corp, corpSecret: string | null, callerIp: string): WecomApp {
  if (!corpSecret) throw new WecomError(41004);
  const app = corp.apps.find(({ secret }) => secret === corpSecret);
  if (!app) throw new WecomError(40001);
  if (!isAllowed(callerIp, app.trustedIps)) throw new WecomError(60020);
  return app;
}

/** The app that this access token was issued to, valid or not. */
export function agentOfToken(corps: Corps, accessToken: string | null): Agent | undefined {
  for (const corp of corps.values()) {
    const app = corp.apps.find((each) => findWecomToken(each, accessToken));
    if (app) return { corp, app };
  }
  return undefined;
}

/**
 * The app that a valid access token belongs to. Otherwise 41001 without one, 42001 after its lifetime, 40014 for
 * one that WeCom invalidated early and for a string that never was a token. Which of the two codes an early
 * invalidation gets is not documented. Then 60020, because the trusted IPs count for every call
 * (docs/wechat.md#ip-lists).
 */
export function authenticateWecomToken(
  corps: Corps,
  accessToken: string | null,
  { now, callerIp }: { readonly now: number; readonly callerIp: string },
): Agent {
  if (!accessToken) throw new WecomError(41001);
  const agent = agentOfToken(corps, accessToken);
  const token = agent && findWecomToken(agent.app, accessToken);
  if (!agent || !token) throw new WecomError(40014);
  if (!isValid(token, now)) throw new WecomError(now < token.expiresAt ? 40014 : 42001);
  if (!isAllowed(callerIp, agent.app.trustedIps)) throw new WecomError(60020);
  return agent;
}

/** The token, valid or not, if this app was issued it. */
export function findWecomToken({ tokens }: WecomApp, accessToken: string | null): IssuedValue | undefined {
  return accessToken === null ? undefined : findIssued(tokens, accessToken);
}

/**
 * Does the `work` of one `gettoken` call within the corp's limits: 45009 above 10,000 calls a minute or 150,000
 * an hour, and for one hour after the 2,000th call that failed within an hour (docs/wechat.md#wecom).
 *
 * What is not documented is decided here: minutes and hours are those of the clock; a failing call counts as a
 * call; a 45009 does not count as failing, or a caller that goes on asking would stay blocked for ever; calls for
 * an unknown corp count nowhere.
 */
export function withinCorpLimits<T>(corp: Corp, now: number, work: () => T): T {
  if (corp.blockedUntil !== undefined && now < corp.blockedUntil) throw new WecomError(45009);
  if (!consume(corp.tokenCallsThisMinute, minuteOf(now), TOKEN_CALLS_PER_MINUTE)) throw new WecomError(45009);
  if (!consume(corp.tokenCallsThisHour, hourOf(now), TOKEN_CALLS_PER_HOUR)) throw new WecomError(45009);
  try {
    return work();
  } catch (error) {
    consume(corp.failuresThisHour, hourOf(now), FAILURES_PER_HOUR);
    if (corp.failuresThisHour.count === FAILURES_PER_HOUR) corp.blockedUntil = now + BLOCK_MS;
    throw error;
  }
}

/**
 * `/cgi-bin/gettoken` of an authenticated app: the same token to the end of its lifetime, then a new one without
 * an overlap, as users observe it (docs/wechat.md#wecom).
 */
export function grantWecomToken({ corp, app }: Agent, now: number, policy: IssuePolicy): IssuedValue {
  return (
    currentOf(app.tokens, now) ?? issue(app.tokens, mintValue(corp, corp.corpId, 'wecom', now), now, policy)
  );
}

/** WeCom invalidates the token before its end, as it may (docs/wechat.md#wecom); the next call gets a new one. */
export function invalidateWecomToken({ tokens }: WecomApp, now: number): void {
  invalidateAll(tokens, now);
}

/**
 * A ticket for the owner of a valid token: the same until it has expired, as an official account's. 45009 above
 * 100 calls an hour of the app, or 400 of its corp (docs/wechat.md#wecom). Whether the two types share one quota
 * is not documented: here each has its own. 48002 for an agent's ticket if there is no agent.
 */
export function grantWecomTicket(
  agent: Agent,
  type: WecomTicketType,
  now: number,
  policy: IssuePolicy,
): IssuedValue {
  const { corp, app } = agent;
  if (type === 'agent_config' && typeof app.id === 'string') throw new WecomError(48002);
  const hour = hourOf(now);
  if (!consume(app.ticketCallsThisHour[type], hour, TICKET_CALLS_PER_APP_AND_HOUR)) {
    throw new WecomError(45009);
  }
  if (!consume(corp.ticketCallsThisHour[type], hour, TICKET_CALLS_PER_CORP_AND_HOUR)) {
    throw new WecomError(45009);
  }
  const tickets = wecomTickets(agent, type);
  return currentOf(tickets, now) ?? issue(tickets, mintValue(corp, corp.corpId, 'ticket', now), now, policy);
}

/** A jsapi ticket is the corp's, whichever app asks; an agent_config ticket is the app's own. */
export function wecomTickets({ corp, app }: Agent, type: WecomTicketType): IssuedValue[] {
  return type === 'jsapi' ? corp.jsapiTickets : app.agentConfigTickets;
}
