import { DEMO_ACCOUNT, DEMO_WECOM_APP, startSimulator } from '../../../local/simulator/simulator.ts';
import {
  type ConformanceTarget,
  sdkHabitConformance,
  tokenRouteConformance,
} from './token-route-conformance.ts';

const simulator: ConformanceTarget = {
  name: 'the simulator',
  ticketTypes: ['jsapi', 'wx_card'],
  wecom: { ticketTypes: ['jsapi', 'agent_config'] },
  async start() {
    const { url, close } = await startSimulator();
    const { corpId, secret: corpSecret } = DEMO_WECOM_APP;
    return { ...DEMO_ACCOUNT, corpId, corpSecret, url, stop: close };
  },
};

tokenRouteConformance(simulator);
sdkHabitConformance(simulator);
