import type { WecomAppOptions, WecomTicketType } from './corp.ts';
import { assertIpList } from './ip-list.ts';
import { currentOf } from './issued.ts';
import { wecomTicketLine } from './wecom-ticket.ts';
import { invalidateToken } from './wecom-token.ts';
import type { World } from './world.ts';

/**
 * What a test sees and does behind WeCom's back. Methods that take a `corpId` and an `agentId` throw when no
 * app has them.
 */
export type WecomOperator = {
  /** Apps by corp, in the order they came. */
  wecomApps(): { corpId: string; agentId: number }[];
  currentWecomToken(corpId: string, agentId: number): string | undefined;
  /** The jsapi ticket is the same for every app of the corp. */
  currentWecomTicket(corpId: string, agentId: number, type: WecomTicketType): string | undefined;
  /** Adds an app, and its corp if that is new, or replaces one that has its ids by a new one. */
  addWecomApp(app: WecomAppOptions): void;
  /** "WeCom may invalidate it early": the current token is dead at once. */
  invalidateWecomToken(corpId: string, agentId: number): void;
  /** The administrator resets the app's secret; its token lives on. */
  setWecomSecret(corpId: string, agentId: number, secret: string): void;
  /** Without a list, everybody is let in. */
  setTrustedIps(corpId: string, agentId: number, entries: readonly string[] | undefined): void;
};

export function operateWecom(world: World): WecomOperator {
  const { clock } = world;
  return {
    wecomApps: () =>
      [...world.corps.values()].flatMap(({ corpId, apps }) =>
        apps.map(({ agentId }) => ({ corpId, agentId })),
      ),
    currentWecomToken: (corpId, agentId) =>
      currentOf(world.agent(corpId, agentId).app.tokens, clock.now())?.value,
    currentWecomTicket: (corpId, agentId, type) =>
      currentOf(wecomTicketLine(world.agent(corpId, agentId), type), clock.now())?.value,
    addWecomApp: (app) => world.change(() => world.addWecomApp(app)),
    invalidateWecomToken: (corpId, agentId) =>
      world.change(() => invalidateToken(world.agent(corpId, agentId).app, clock.now())),
    setWecomSecret: (corpId, agentId, secret) =>
      world.change(() => Object.assign(world.agent(corpId, agentId).app, { secret })),
    setTrustedIps(corpId, agentId, entries) {
      if (entries) assertIpList(entries);
      world.change(() =>
        Object.assign(world.agent(corpId, agentId).app, { trustedIps: entries && [...entries] }),
      );
    },
  };
}
