import { request } from 'undici';
import type { App } from '../core/credential.ts';
import { nameOf } from '../core/errors.ts';
import type { Diagnostics, HostReach } from '../core/ports.ts';
import { doneAnswer, refusedRequestAnswer } from './answers.ts';
import type { WechatClient } from './client.ts';
import type { EgressDispatcher, EgressRoute } from './egress.ts';
import { hostsOf, urlOf } from './hosts.ts';
import { countCalls } from './sources.ts';

const REACH_TIMEOUT_MS = 5_000;

/** What `wechat-token-refresher doctor` wants to know of WeChat, asked from where the refresher runs: docs/wechat.md#is-a-token-still-valid. */
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
    tokenCalls: (app, accessToken) => countCalls(wechat.official, app, accessToken, tokenPath(app)),
    async explain(app, accessToken, rid) {
      const { answer } = await wechat.official.call({
        app,
        path: '/cgi-bin/openapi/rid/get',
        query: { access_token: accessToken },
        json: { rid },
        calledWith: 'access-token',
        answer: refusedRequestAnswer,
      });
      return answer;
    },
    async clearQuota(app, secret) {
      await wechat.official.call({
        app,
        path: '/cgi-bin/clear_quota/v2',
        json: { appid: app.appId, appsecret: secret },
        calledWith: 'secret',
        answer: doneAnswer,
        atMostOnce: true,
      });
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
