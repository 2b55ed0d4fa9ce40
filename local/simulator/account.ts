import * as z from 'zod';
import { accountRefusals } from './errors.ts';
import { assertIpList } from './ip-list.ts';
import { issuedSchema } from './issued.ts';
import { emptyTally, tallySchema } from './quota.ts';

export type AccountOptions = {
  readonly appId: string;
  readonly secret: string;
  /** Addresses and CIDR ranges that may ask for tokens; without it everybody may. */
  readonly allowedIps?: readonly string[] | undefined;
  /** Classic token calls a day: 2,000, or 200 as a test account has (WECHAT.md, "classic"). */
  readonly dailyTokenQuota?: number | undefined;
};

/** Everything that WeChat knows about one account: plain data, so that it can be kept in a file. */
export const accountSchema = z.strictObject({
  appId: z.string(),
  secret: z.string(),
  allowedIps: z.array(z.string()).optional(),
  /** The code that its token calls are refused with. */
  refusal: z.literal(accountRefusals).optional(),
  serial: z.number(),
  classic: z.strictObject({
    tokens: z.array(issuedSchema),
    dailyQuota: z.number(),
    callsToday: tallySchema,
  }),
  stable: z.strictObject({
    tokens: z.array(issuedSchema),
    callsThisMinute: tallySchema,
    callsToday: tallySchema,
    forcedToday: tallySchema,
    forcedAt: z.number().optional(),
  }),
  tickets: z.strictObject({ jsapi: z.array(issuedSchema), wx_card: z.array(issuedSchema) }),
});
export type Account = z.infer<typeof accountSchema>;

export type TokenApi = 'classic' | 'stable';
export const ticketTypes = ['jsapi', 'wx_card'] as const;
export type TicketType = (typeof ticketTypes)[number];

const DAILY_TOKEN_QUOTA = 2_000;

/**
 * An account that never asked for anything.
 *
 * @throws TypeError when `allowedIps` holds something else than IPs and CIDRs
 */
export function openAccount(options: AccountOptions): Account {
  if (options.allowedIps) assertIpList(options.allowedIps);
  return {
    appId: options.appId,
    secret: options.secret,
    ...(options.allowedIps && { allowedIps: [...options.allowedIps] }),
    serial: 0,
    classic: {
      tokens: [],
      dailyQuota: options.dailyTokenQuota ?? DAILY_TOKEN_QUOTA,
      callsToday: emptyTally(),
    },
    stable: {
      tokens: [],
      callsThisMinute: emptyTally(),
      callsToday: emptyTally(),
      forcedToday: emptyTally(),
    },
    tickets: { jsapi: [], wx_card: [] },
  };
}
