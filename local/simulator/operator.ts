import type { AccountOptions, TicketType, TokenApi } from './account.ts';
import type { Call } from './calls.ts';
import { burnDailyQuota, grantClassicToken } from './classic-token.ts';
import type { Clock } from './clock.ts';
import type { AccountRefusal } from './errors.ts';
import type { Fault } from './faults.ts';
import type { Gateway } from './gateway.ts';
import { assertIpList } from './ip-list.ts';
import { currentOf, type Issued, isAlive } from './issued.ts';
import { operateWecom, type WecomOperator } from './wecom-operator.ts';
import type { World } from './world.ts';

/**
 * What a test sees and does behind WeChat's back. Methods that take an `appId` throw when no account has it.
 */
export type Operator = WecomOperator & {
  readonly clock: Clock;
  appIds(): string[];
  /** Calls in the order they were processed, of all routes or of one path. */
  calls(route?: string): Call[];
  /** Whether this token is accepted, or this ticket handed out, now, by WeChat or WeCom. */
  tokenAlive(value: string): boolean;
  /** When this token or ticket was handed out, was to end, and ends; undefined when it never was, or long ago. */
  lifeOf(value: string): Pick<Issued, 'issuedAt' | 'expiresAt' | 'diesAt'> | undefined;
  currentToken(appId: string, api: TokenApi): string | undefined;
  currentTicket(appId: string, type: TicketType): string | undefined;
  /** Adds an account, or replaces one that has its AppID by a new one. */
  addAccount(account: AccountOptions): void;
  /** Somebody else asks for a classic token, at the cost of the account's quota; returns it. */
  rotate(appId: string): string;
  /** The rest of the day's classic calls is used up; the token stays as it is. */
  burnDailyQuota(appId: string): void;
  /** The owner resets the AppSecret; tokens live on. */
  setSecret(appId: string, secret: string): void;
  /** Without a list, everybody is let in. */
  setAllowedIps(appId: string, entries: readonly string[] | undefined): void;
  /** Refuses the account's token calls with this code, until it is `undefined` again. */
  setState(appId: string, errcode: AccountRefusal | undefined): void;
  /** For values handed out from now on. */
  setLifetime(seconds: number): void;
  /** Queues a fault with a `count`, or lets one without stand until they are cleared. */
  addFault(fault: Fault): void;
  clearFaults(): void;
};

export function operate(world: World, gateway: Gateway): Operator {
  const { clock } = world;
  const current = (line: readonly Issued[]) => currentOf(line, clock.now())?.value;
  return {
    ...operateWecom(world),
    clock,
    appIds: () => [...world.accounts.keys()],
    calls: (route) => gateway.calls.filter((call) => route === undefined || call.route === route),
    tokenAlive(value) {
      const issued = issuedAs(world, value);
      return issued !== undefined && isAlive(issued, clock.now());
    },
    lifeOf: (value) => issuedAs(world, value),
    currentToken: (appId, api) => current(world.account(appId)[api].tokens),
    currentTicket: (appId, type) => current(world.account(appId).tickets[type]),
    addAccount: (account) => world.change(() => world.addAccount(account)),
    rotate: (appId) =>
      world.change(() => grantClassicToken(world.account(appId), clock.now(), world.terms).value),
    burnDailyQuota: (appId) => world.change(() => burnDailyQuota(world.account(appId), clock.now())),
    setSecret: (appId, secret) => world.change(() => Object.assign(world.account(appId), { secret })),
    setAllowedIps(appId, entries) {
      if (entries) assertIpList(entries);
      world.change(() => Object.assign(world.account(appId), { allowedIps: entries && [...entries] }));
    },
    setState: (appId, refusal) => world.change(() => Object.assign(world.account(appId), { refusal })),
    setLifetime(seconds) {
      world.terms = { ...world.terms, lifetimeMs: seconds * 1000 };
    },
    addFault: (fault) => gateway.faults.add(fault),
    clearFaults: () => gateway.faults.clear(),
  };
}

/** Among the tokens and tickets of both platforms, dead ones too. */
function issuedAs(world: World, value: string): Issued | undefined {
  for (const line of linesOf(world)) {
    const issued = line.findLast((each) => each.value === value);
    if (issued) return issued;
  }
  return undefined;
}

function* linesOf({ accounts, corps }: World): Generator<readonly Issued[]> {
  for (const { classic, stable, tickets } of accounts.values()) {
    yield classic.tokens;
    yield stable.tokens;
    yield tickets.jsapi;
    yield tickets.wx_card;
  }
  for (const { jsapiTickets, apps } of corps.values()) {
    yield jsapiTickets;
    for (const { tokens, agentConfigTickets } of apps) {
      yield tokens;
      yield agentConfigTickets;
    }
  }
}
