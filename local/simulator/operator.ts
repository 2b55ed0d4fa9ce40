import type { Clock } from './clock.ts';
import type { AccountErrorCode } from './error-responses.ts';
import type { Fault } from './faults.ts';
import { assertIpList } from './ip-list.ts';
import { currentOf, type IssuedValue, isValid } from './issued-values.ts';
import {
  type AccountOptions,
  burnDailyQuota,
  grantClassicToken,
  type TicketType,
  type TokenApi,
} from './official-account.ts';
import type { Call, RequestHandler } from './request-handler.ts';
import type { SimulatorState } from './state.ts';
import { invalidateToken, type WecomAppOptions, type WecomTicketType, wecomTickets } from './wecom.ts';

/**
 * What a test sees and does without a request to WeChat. Methods that take an `appId` throw when no account has
 * it.
 */
export type Operator = WecomOperator & {
  readonly clock: Clock;
  appIds(): string[];
  /** Calls in the order they were processed, of all routes or of one path. */
  calls(route?: string): Call[];
  /** Whether WeChat or WeCom accepts this token, or still hands out this ticket, now. */
  isTokenValid(value: string): boolean;
  /** Of a token or ticket; undefined when it was never issued, or so long ago that it is forgotten. */
  validityOf(value: string): Pick<IssuedValue, 'issuedAt' | 'expiresAt' | 'validUntil'> | undefined;
  currentToken(appId: string, api: TokenApi): string | undefined;
  currentTicket(appId: string, type: TicketType): string | undefined;
  /** Adds an account, or replaces the one with the same AppID. */
  addAccount(account: AccountOptions): void;
  /** Another client asks for a classic token, which counts against the account's quota; returns the token. */
  rotate(appId: string): string;
  /** The rest of the day's classic calls is used up; the token stays as it is. */
  burnDailyQuota(appId: string): void;
  /** The owner resets the AppSecret; tokens stay valid. */
  setSecret(appId: string, secret: string): void;
  /** Without a list, every address is allowed. */
  setAllowedIps(appId: string, entries: readonly string[] | undefined): void;
  /** Refuses the account's token calls with this code, until it is `undefined` again. */
  setState(appId: string, errcode: AccountErrorCode | undefined): void;
  /** Of the tokens and tickets of both platforms that are issued from now on. */
  setLifetime(seconds: number): void;
  /** Queues a fault with a `count`; one without stays until they are cleared. */
  addFault(fault: Fault): void;
  clearFaults(): void;
};

/** The same for WeCom. Methods that take a `corpId` and an `agentId` throw when no app has them. */
type WecomOperator = {
  /** Apps by corp, in the order they were added. */
  wecomApps(): { corpId: string; agentId: number }[];
  currentWecomToken(corpId: string, agentId: number): string | undefined;
  /** The jsapi ticket is the same for every app of the corp. */
  currentWecomTicket(corpId: string, agentId: number, type: WecomTicketType): string | undefined;
  /** Adds an app, and its corp if that is new, or replaces the app with the same ids. */
  addWecomApp(app: WecomAppOptions): void;
  /** WeCom invalidates the current token before its end. */
  invalidateWecomToken(corpId: string, agentId: number): void;
  /** The administrator resets the app's secret; its token stays valid. */
  setWecomSecret(corpId: string, agentId: number, secret: string): void;
  /** Without a list, every address is trusted. */
  setTrustedIps(corpId: string, agentId: number, entries: readonly string[] | undefined): void;
};

export function createOperator(state: SimulatorState, handler: RequestHandler): Operator {
  const { clock } = state;
  const currentValue = (history: readonly IssuedValue[]) => currentOf(history, clock.now())?.value;
  return {
    ...createWecomOperator(state),
    clock,
    appIds: () => [...state.accounts.keys()],
    calls: (route) => handler.calls.filter((call) => route === undefined || call.route === route),
    isTokenValid(value) {
      const issued = findIssued(state, value);
      return issued !== undefined && isValid(issued, clock.now());
    },
    validityOf: (value) => findIssued(state, value),
    currentToken: (appId, api) => currentValue(state.account(appId)[api].tokens),
    currentTicket: (appId, type) => currentValue(state.account(appId).tickets[type]),
    addAccount: (account) => state.change(() => state.addAccount(account)),
    rotate: (appId) =>
      state.change(() => grantClassicToken(state.account(appId), clock.now(), state.policy).value),
    burnDailyQuota: (appId) => state.change(() => burnDailyQuota(state.account(appId), clock.now())),
    setSecret: (appId, secret) => state.change(() => Object.assign(state.account(appId), { secret })),
    setAllowedIps(appId, entries) {
      if (entries) assertIpList(entries);
      state.change(() => Object.assign(state.account(appId), { allowedIps: entries && [...entries] }));
    },
    setState: (appId, errorCode) => state.change(() => Object.assign(state.account(appId), { errorCode })),
    setLifetime(seconds) {
      state.policy = { ...state.policy, lifetimeMs: seconds * 1000 };
    },
    addFault: (fault) => handler.faults.add(fault),
    clearFaults: () => handler.faults.clear(),
  };
}

function createWecomOperator(state: SimulatorState): WecomOperator {
  const { clock } = state;
  const currentValue = (history: readonly IssuedValue[]) => currentOf(history, clock.now())?.value;
  return {
    wecomApps: () =>
      [...state.corps.values()].flatMap(({ corpId, apps }) =>
        apps.map(({ agentId }) => ({ corpId, agentId })),
      ),
    currentWecomToken: (corpId, agentId) => currentValue(state.agent(corpId, agentId).app.tokens),
    currentWecomTicket: (corpId, agentId, type) =>
      currentValue(wecomTickets(state.agent(corpId, agentId), type)),
    addWecomApp: (app) => state.change(() => state.addWecomApp(app)),
    invalidateWecomToken: (corpId, agentId) =>
      state.change(() => invalidateToken(state.agent(corpId, agentId).app, clock.now())),
    setWecomSecret: (corpId, agentId, secret) =>
      state.change(() => Object.assign(state.agent(corpId, agentId).app, { secret })),
    setTrustedIps(corpId, agentId, entries) {
      if (entries) assertIpList(entries);
      state.change(() =>
        Object.assign(state.agent(corpId, agentId).app, { trustedIps: entries && [...entries] }),
      );
    },
  };
}

/** Among the tokens and tickets of both platforms, valid or not. */
function findIssued(state: SimulatorState, value: string): IssuedValue | undefined {
  for (const history of historiesOf(state)) {
    const issued = history.findLast((each) => each.value === value);
    if (issued) return issued;
  }
  return undefined;
}

function* historiesOf({ accounts, corps }: SimulatorState): Generator<readonly IssuedValue[]> {
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
