import { DEMO_ACCOUNT, startSimulator } from './simulator.ts';
import { tokenRouteConformance } from './token-route-conformance.ts';

tokenRouteConformance({
  name: 'the simulator',
  ticketTypes: ['jsapi', 'wx_card'],
  async start() {
    const { url, close } = await startSimulator();
    return { ...DEMO_ACCOUNT, url, stop: close };
  },
});
