import type { Clock } from './clock.ts';
import type { AccountErrorCode } from './error-responses.ts';
import type { Fault } from './faults.ts';
import { assertIpList } from './ip-list.ts';
import { currentOf, findIssued, type IssuedValue, isValid } from './issued-values.ts';
import {
  type AccountOptions,
  burnDailyQuota,
  CLASSIC_ROUTE,
  type CountOptions,
  grantClassicToken,
  invalidateTokens,
  refuseTickets,
  type TicketType,
  type TokenApi,
} from './official-account.ts';
import type { Call, RequestHandler } from './request-handler.ts';
import type { SimulatorState } from './state.ts';
import {
  invalidateWecomToken,
  namesOf,
  type WecomAppId,
  type WecomAppOptions,
  type WecomTicketType,
  wecomTickets,
} from './wecom.ts';

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
  /** The rest of the day's calls of a path is used up, by default of `/cgi-bin/token`; the tokens stay as they are. */
  burnDailyQuota(appId: string, route?: string): void;
  /** What `openapi/quota/get` does from now on. */
  setCount(appId: string, options: CountOptions): void;
  /** WeChat stops accepting the current token, and the one before it, without a new one. */
  invalidate(appId: string, options?: InvalidateOptions): void;
  /** From now on getticket answers -1000 to the tokens that were issued until now. */
  refuseTickets(appId: string): void;
  /** The owner resets the AppSecret. */
  setSecret(appId: string, secret: string, options?: SecretOptions): void;
  /** Without a list, every address is allowed. */
  setAllowedIps(appId: string, entries: readonly string[] | undefined): void;
  /** Refuses the account's token calls with this code, until it is `undefined` again. */
  setState(appId: string, errcode: AccountErrorCode | undefined): void;
  /** The address that WeChat and WeCom see from now on. */
  setCallerIp(ip: string): void;
  /** Of the tokens and tickets of both platforms that are issued from now on. */
  setLifetime(seconds: number): void;
  /** Queues a fault with a `count`; one without stays until they are cleared. */
  addFault(fault: Fault): void;
  clearFaults(): void;
};

export type InvalidateOptions = {
  /** @default both */
  readonly api?: TokenApi | undefined;
  /** A normal call of stable_token goes on returning the invalid token; only a forced one gets another. @default false */
  readonly stillGranted?: boolean | undefined;
};

export type SecretOptions = {
  /** The reset also invalidates the tokens, which is not documented (docs/wechat.md#not-documented). @default false */
  readonly invalidatesTokens?: boolean | undefined;
};

/** The same for WeCom. Methods that take a `corpId` and the id of an app throw when no app has them. */
type WecomOperator = {
  /** Apps by corp, in the order they were added. */
  wecomApps(): ({ corpId: string } & ReturnType<typeof namesOf>)[];
  currentWecomToken(corpId: string, id: WecomAppId): string | undefined;
  /** The jsapi ticket is the same for every app of the corp. */
  currentWecomTicket(corpId: string, id: WecomAppId, type: WecomTicketType): string | undefined;
  /** Adds an app, and its corp if that is new, or replaces the app with the same ids. */
  addWecomApp(app: WecomAppOptions): void;
  /** WeCom invalidates the current token before its end. */
  invalidateWecomToken(corpId: string, id: WecomAppId): void;
  /** The administrator resets the app's secret. */
  setWecomSecret(corpId: string, id: WecomAppId, secret: string, options?: SecretOptions): void;
  /** Without a list, every address is trusted. */
  setTrustedIps(corpId: string, id: WecomAppId, entries: readonly string[] | undefined): void;
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
      const issued = findInState(state, value);
      return issued !== undefined && isValid(issued, clock.now());
    },
    validityOf: (value) => findInState(state, value),
    currentToken: (appId, api) => currentValue(state.account(appId)[api].tokens),
    currentTicket: (appId, type) => currentValue(state.account(appId).tickets[type]),
    addAccount: (account) => state.change(() => state.addAccount(account)),
    rotate: (appId) =>
      state.change(() => grantClassicToken(state.account(appId), clock.now(), state.policy).value),
    burnDailyQuota: (appId, route = CLASSIC_ROUTE) =>
      state.change(() => burnDailyQuota(state.account(appId), route, clock.now())),
    setCount: (appId, count) => state.change(() => Object.assign(state.account(appId), { count })),
    invalidate: (appId, options = {}) => state.change(() => invalidate(state, appId, options)),
    refuseTickets: (appId) => state.change(() => refuseTickets(state.account(appId))),
    setSecret(appId, secret, { invalidatesTokens = false } = {}) {
      state.change(() => {
        Object.assign(state.account(appId), { secret });
        if (invalidatesTokens) invalidate(state, appId, {});
      });
    },
    setAllowedIps(appId, entries) {
      if (entries) assertIpList(entries);
      state.change(() => Object.assign(state.account(appId), { allowedIps: entries && [...entries] }));
    },
    setState: (appId, errorCode) => state.change(() => Object.assign(state.account(appId), { errorCode })),
    setCallerIp(ip) {
      state.callerIp = ip;
    },
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
        apps.map((app) => ({ corpId, ...namesOf(app) })),
      ),
    currentWecomToken: (corpId, id) => currentValue(state.agent(corpId, id).app.tokens),
    currentWecomTicket: (corpId, id, type) => currentValue(wecomTickets(state.agent(corpId, id), type)),
    addWecomApp: (app) => state.change(() => state.addWecomApp(app)),
    invalidateWecomToken: (corpId, id) =>
      state.change(() => invalidateWecomToken(state.agent(corpId, id).app, clock.now())),
    setWecomSecret(corpId, id, secret, { invalidatesTokens = false } = {}) {
      const { app } = state.agent(corpId, id);
      state.change(() => {
        Object.assign(app, { secret });
        if (invalidatesTokens) invalidateWecomToken(app, clock.now());
      });
    },
    setTrustedIps(corpId, id, entries) {
      if (entries) assertIpList(entries);
      state.change(() => Object.assign(state.agent(corpId, id).app, { trustedIps: entries && [...entries] }));
    },
  };
}

function invalidate(
  state: SimulatorState,
  appId: string,
  { api, stillGranted = false }: InvalidateOptions,
): void {
  const account = state.account(appId);
  const now = state.clock.now();
  if (api !== 'stable') invalidateTokens(account, 'classic', false, now);
  if (api !== 'classic') invalidateTokens(account, 'stable', stillGranted, now);
}

/** Among the tokens and tickets of both platforms, valid or not. */
function findInState(state: SimulatorState, value: string): IssuedValue | undefined {
  for (const history of historiesOf(state)) {
    const issued = findIssued(history, value);
    if (issued) return issued;
  }
  return undefined;
}

function* historiesOf({ accounts, corps }: SimulatorState): Generator<readonly IssuedValue[]> {
  for (const { classic, stable, tickets } of accounts.values()) {
    yield classic.tokens;
    yield stable.tokens;
    yield* Object.values(tickets);
  }
  for (const { jsapiTickets, apps } of corps.values()) {
    yield jsapiTickets;
    for (const { tokens, agentConfigTickets } of apps) {
      yield tokens;
      yield agentConfigTickets;
    }
  }
}
