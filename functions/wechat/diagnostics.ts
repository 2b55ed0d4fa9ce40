import { request } from 'undici';
import * as z from 'zod';
import type { App } from '../core/credential.ts';
import { nameOf } from '../core/errors.ts';
import type { DailyCalls, Diagnostics, HostReach } from '../core/ports.ts';
import type { WechatClient } from './client.ts';
import type { EgressDispatcher, EgressRoute } from './egress.ts';
import { hostsOf, urlOf } from './hosts.ts';

const REACH_TIMEOUT_MS = 5_000;

const count = z.number().int().nonnegative();
const quotaAnswer = z.object({ quota: z.object({ daily_limit: count, used: count }) });

/** What `wechat-token-refresher doctor` wants to know of WeChat, asked from where the refresher runs. */
export function wechatDiagnostics(
  wechat: {
    official: WechatClient;
    hosts: { official: readonly string[]; wecom: readonly string[] };
  },
  egress: EgressDispatcher,
  clock: () => number,
): Diagnostics {
  return {
    async reach(app) {
      const hosts = hostsOf(app, app.kind === 'wecom' ? wechat.hosts.wecom : wechat.hosts.official);
      const reached = await Promise.all(hosts.map((host) => reach(host, egress, clock)));
      return {
        throughProxy: reached.some(({ throughProxy }) => throughProxy),
        hosts: reached.map(({ throughProxy: _, ...facts }) => facts),
      };
    },
    /** https://developers.weixin.qq.com/doc/offiaccount/openApi/get_api_quota.html */
    async tokenCalls(app, accessToken) {
      const { quota } = await wechat.official.call({
        app,
        path: '/cgi-bin/openapi/quota/get',
        query: { access_token: accessToken },
        json: { cgi_path: tokenPath(app) },
        calledWith: 'access-token',
        answer: quotaAnswer,
      });
      return { used: quota.used, limit: quota.daily_limit } satisfies DailyCalls;
    },
  };
}

function tokenPath(app: App): string {
  return app.kind !== 'wecom' && app.tokenApi === 'stable' ? '/cgi-bin/stable_token' : '/cgi-bin/token';
}

/** One call without a token: whatever WeChat answers, it answered. Its `Date` header shows its clock. */
async function reach(
  host: string,
  egress: EgressDispatcher,
  clock: () => number,
): Promise<HostReach & { readonly throughProxy: boolean }> {
  const startedAt = clock();
  let route: EgressRoute | undefined;
  try {
    route = await egress.routeTo(host);
    const { headers, body } = await request(urlOf(host, '/cgi-bin/get_api_domain_ip'), {
      dispatcher: route.dispatcher,
      signal: AbortSignal.timeout(REACH_TIMEOUT_MS),
    });
    await body.dump();
    const answeredAt = clock();
    const theirs = Date.parse(String(headers['date']));
    return {
      host,
      reachable: true,
      latencyMs: answeredAt - startedAt,
      // To the second, which is all that the header says.
      clockSkewMs: Number.isNaN(theirs) ? null : answeredAt - theirs,
      problem: null,
      throughProxy: route.throughProxy,
    };
  } catch (error) {
    const through = route?.throughProxy ? ' through the proxy' : '';
    return {
      host,
      reachable: false,
      latencyMs: null,
      clockSkewMs: null,
      problem: `${new URL(host).host} could not be reached${through} (${nameOf(error)}).`,
      throughProxy: route?.throughProxy ?? false,
    };
  }
}
