import type { Call } from './calls.ts';
import { type Delivery, htmlDelivery, jsonDelivery } from './delivery.ts';
import { WechatError, withRid } from './errors.ts';
import { type EarlyFault, FaultQueue, isEarly } from './faults.ts';
import { type Occasion, Refusal } from './refusal.ts';
import type { Route, RouteRequest, Routes, Surroundings } from './route.ts';
import type { World } from './world.ts';

export type Incoming = RouteRequest & {
  readonly method: string;
  readonly path: string;
  readonly host: string;
};

type Answer = { readonly body: object; readonly errcode?: number };

/** WeChat's front door: faults strike here, requests find their route, and every call is noted. */
export class Gateway {
  readonly calls: Call[] = [];
  readonly faults = new FaultQueue();
  readonly #world: World;
  readonly #routes: Routes;
  /** Counts answers, so that what varies at WeChat varies here the same way in every run. */
  #serial = 0;

  constructor(world: World, routes: Routes) {
    this.#world = world;
    this.#routes = routes;
  }

  receive(incoming: Incoming): Delivery {
    this.#serial += 1;
    const { accounts, corps, callerIp, clock, terms } = this.#world;
    const surroundings = { accounts, corps, callerIp, terms, now: clock.now() };
    const occasion = { serial: this.#serial, now: surroundings.now, callerIp };
    const route = Object.hasOwn(this.#routes, incoming.path) ? this.#routes[incoming.path] : undefined;
    const { appId, corpId } = route?.callerOf(incoming, surroundings) ?? {};
    const note = (outcome: Call['outcome'], errcode?: number) =>
      this.calls.push({
        route: incoming.path,
        method: incoming.method,
        host: incoming.host,
        ...(appId !== undefined && { appId }),
        ...(corpId !== undefined && { corpId }),
        at: surroundings.now,
        outcome,
        ...(errcode !== undefined && { errcode }),
      });

    const fault = this.faults.strike(incoming.path, incoming.host);
    if (isEarly(fault)) {
      note(fault.kind);
      return failing(fault, occasion);
    }
    const { body, errcode } = answerOf(route, incoming, surroundings, occasion);
    this.#world.save();
    if (fault?.kind === 'drop-after') {
      note(fault.kind);
      return 'connection-lost';
    }
    note(errcode === undefined ? 'ok' : 'refused', errcode);
    return jsonDelivery(body, this.#serial, fault?.ms ?? 0);
  }
}

function answerOf(
  route: Route | undefined,
  incoming: Incoming,
  surroundings: Surroundings,
  occasion: Occasion,
): Answer {
  try {
    if (!route) throw new WechatError(40066);
    if (incoming.method !== route.method) throw new WechatError(route.method === 'GET' ? 43001 : 43002);
    return { body: route.answer(incoming, surroundings) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { errcode } = error;
    return { body: { errcode, errmsg: error.errmsg(occasion) }, errcode };
  }
}

function failing(fault: EarlyFault, occasion: Occasion): Delivery {
  switch (fault.kind) {
    case 'http-status':
      return htmlDelivery(fault.status, `<html><body>${fault.status}</body></html>`);
    case 'empty-body':
      return htmlDelivery(200, '');
    case 'not-json':
      return htmlDelivery(200, '<html><body>The service is unavailable.</body></html>');
    case 'errcode': {
      const { errcode, errmsg } = fault;
      return jsonDelivery({ errcode, errmsg: withRid(errcode, errmsg, occasion) }, occasion.serial, 0);
    }
    case 'drop-before':
    case 'outage':
      return 'connection-lost';
  }
}
