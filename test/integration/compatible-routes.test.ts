import { crm, shop, startWorld } from '../../bench/harness/world.ts';
import { serveLocally } from '../../local/server.ts';
import { tokenRouteConformance } from './simulator/token-route-conformance.ts';

/** The read URL passes the suite that the simulator passes, with a reader key in place of the AppSecret. */
tokenRouteConformance({
  name: 'the read URL',
  ticketTypes: ['jsapi', 'wx_card'],
  wecom: { ticketTypes: ['jsapi', 'agent_config'] },
  async start() {
    const app = { ...shop, tickets: ['jsapi', 'wx_card'] as const };
    const world = await startWorld({ app, others: [crm], requiresKey: true });
    await world.tick();
    const { key } = await world.readerKeys.create({ name: 'conformance', apps: [app.name, crm.name] });
    const server = await serveLocally(0, world.read, async () => undefined);
    return {
      url: `http://127.0.0.1:${server.port}`,
      appId: app.appId,
      secret: key,
      corpId: crm.corpId,
      corpSecret: key,
      async stop() {
        await server.close();
        await world.close();
      },
    };
  },
});
