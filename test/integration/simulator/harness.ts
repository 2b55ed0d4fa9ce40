import { afterEach } from 'vitest';
import {
  DEMO_ACCOUNT,
  DEMO_WECOM_APP,
  ManualClock,
  type SimulatorOptions,
  startSimulator,
} from '../../../local/simulator/simulator.ts';

/** Midnight in Beijing on 2 January 2026; most tests begin here. */
export const MIDNIGHT = Date.parse('2026-01-02T00:00:00+08:00');

export type Body = {
  errcode?: number;
  errmsg?: string;
  access_token?: string;
  expires_in?: number;
  ticket?: string;
  ip_list?: string[];
  quota?: { daily_limit: number; used: number; remain: number };
  request?: Record<string, unknown>;
};

const running: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((simulator) => simulator.close()));
});

/**
 * A simulator on a clock that stands at `MIDNIGHT`, closed after the test, with the routes of both platforms as
 * functions.
 */
export async function openSimulator(options: Omit<SimulatorOptions, 'clock'> = {}) {
  const clock = new ManualClock(MIDNIGHT);
  const simulator = await startSimulator({ clock, ...options });
  running.push(simulator);
  const { appId, secret } = DEMO_ACCOUNT;
  const get = async (path: string, query: Record<string, string>): Promise<Body> => {
    const response = await fetch(`${simulator.url}${path}?${new URLSearchParams(query)}`);
    return (await response.json()) as Body;
  };
  const post = async (path: string, body: object): Promise<Body> => {
    const response = await fetch(`${simulator.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
    return (await response.json()) as Body;
  };
  const application = { grant_type: 'client_credential', appid: appId, secret };
  return {
    simulator,
    /** Moves the clock to so many seconds after the start. */
    at: (seconds: number) => clock.set(MIDNIGHT + seconds * 1000),
    classic: (overrides: Record<string, string> = {}) =>
      get('/cgi-bin/token', { ...application, ...overrides }),
    stable: (overrides: object = {}) => post('/cgi-bin/stable_token', { ...application, ...overrides }),
    ticket: (accessToken = '', type = 'jsapi') =>
      get('/cgi-bin/ticket/getticket', { access_token: accessToken, type }),
    /** WeCom's token, by default of `DEMO_WECOM_APP`. */
    wecom: (overrides: Record<string, string> = {}) =>
      get('/cgi-bin/gettoken', {
        corpid: DEMO_WECOM_APP.corpId,
        corpsecret: DEMO_WECOM_APP.secret,
        ...overrides,
      }),
    wecomTicket: (type: 'jsapi' | 'agent_config', accessToken = '') =>
      type === 'jsapi'
        ? get('/cgi-bin/get_jsapi_ticket', { access_token: accessToken })
        : get('/cgi-bin/ticket/get', { access_token: accessToken, type }),
    /** The errcode of a route that needs a token: 0 while it is valid. */
    probe: async (accessToken = '') =>
      (await get('/cgi-bin/get_api_domain_ip', { access_token: accessToken })).errcode ?? 0,
    /** Every client's calls of the day, by WeChat's own count. */
    count: (accessToken = '', cgi_path = '/cgi-bin/token') =>
      post(`/cgi-bin/openapi/quota/get?access_token=${accessToken}`, { cgi_path }),
    /** An app's own call: the errcode of a template message. */
    send: async (accessToken = '') =>
      (await post(`/cgi-bin/message/template/send?access_token=${accessToken}`, {})).errcode,
    get,
    post,
  };
}
