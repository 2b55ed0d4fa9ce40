import type { Account } from './account.ts';
import type { Corp } from './corp.ts';
import type { Terms } from './issued.ts';

/** A request as a route sees it. */
export type RouteRequest = {
  readonly query: URLSearchParams;
  /** The body, when it is a JSON object. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
};

/** What a route works with, as it stands at the one `now` of the request. */
export type Surroundings = {
  readonly accounts: ReadonlyMap<string, Account>;
  readonly corps: ReadonlyMap<string, Corp>;
  readonly callerIp: string;
  readonly terms: Terms;
  readonly now: number;
};

/** Whose call it is, as far as the request tells: by an id or by a token, dead or alive. */
export type Caller = {
  readonly appId?: string | undefined;
  readonly corpId?: string | undefined;
};

/**
 * One of WeChat's routes. A family of them, such as the official accounts', is a file with a table by path.
 */
export type Route = {
  readonly method: 'GET' | 'POST';
  /** For the log of calls; known even when the call is refused. */
  callerOf(request: RouteRequest, surroundings: Surroundings): Caller;
  /** The body of the answer. @throws Refusal when WeChat refuses */
  answer(request: RouteRequest, surroundings: Surroundings): object;
};

export type Routes = Readonly<Record<string, Route>>;
