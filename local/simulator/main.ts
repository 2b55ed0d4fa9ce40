import * as z from 'zod';
import { DEMO_ACCOUNT, DEMO_WECOM_APP, type Simulator, startSimulator } from './simulator.ts';

/** `npm run simulator`: the simulator by itself, with the demo account and the demo WeCom app. */

const environment = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(8788),
  SIMULATOR_LIFETIME_SECONDS: z.coerce.number().int().positive().default(7_200),
});

try {
  const settings = environment.parse(process.env);
  const lifetimeSeconds = settings.SIMULATOR_LIFETIME_SECONDS;
  // The overlap in WeChat's own proportion: 300 s of 7,200 s.
  const simulator = await startSimulator({
    port: settings.PORT,
    lifetimeSeconds,
    overlapSeconds: lifetimeSeconds / 24,
  });
  const stop = () => void simulator.close();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  console.log(greeting(simulator, lifetimeSeconds));
} catch (error) {
  console.error(describe(error));
  process.exitCode = 1;
}

function greeting({ url }: Simulator, lifetimeSeconds: number): string {
  const { appId, secret } = DEMO_ACCOUNT;
  const { corpId, agentId, secret: corpSecret } = DEMO_WECOM_APP;
  return `WeChat simulator on ${url} (tokens are valid for ${lifetimeSeconds} s)
  appid   ${appId}
  secret  ${secret}
WeCom app ${agentId}
  corpid      ${corpId}
  corpsecret  ${corpSecret}
Try:
  curl '${url}/cgi-bin/token?grant_type=client_credential&appid=${appId}&secret=${secret}'
  curl '${url}/cgi-bin/stable_token' -d '{"grant_type":"client_credential","appid":"${appId}","secret":"${secret}"}'
  curl '${url}/cgi-bin/gettoken?corpid=${corpId}&corpsecret=${corpSecret}'
Ctrl-C stops it.`;
}

function describe(error: unknown): string {
  if (error instanceof z.ZodError) {
    return error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  }
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error) {
    return `Port ${error.port} is in use. Set PORT to another one, or to 0 for any free one.`;
  }
  return String(error);
}
