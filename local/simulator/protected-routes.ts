import { accountOfToken, bearerOf } from './admission.ts';
import type { Route, Routes } from './route.ts';
import { agentOfToken, wecomBearerOf } from './wecom-admission.ts';

/** A route whose only use here is to tell whether a token is alive. */
function protectedRoute(ipList: readonly string[]): Route {
  return {
    method: 'GET',
    callerOf: ({ query }, { accounts, corps }) => ({
      appId: accountOfToken(accounts, query.get('access_token'))?.appId,
      corpId: agentOfToken(corps, query.get('access_token'))?.corp.corpId,
    }),
    answer({ query }, { accounts, corps, now }) {
      const accessToken = query.get('access_token');
      if (agentOfToken(corps, accessToken)) wecomBearerOf(corps, accessToken, now);
      else bearerOf(accounts, accessToken, now);
      return { ip_list: ipList };
    },
  };
}

/** The routes that both platforms have under the same path; the simulator is one server for the two. */
export const protectedRoutes: Routes = {
  '/cgi-bin/get_api_domain_ip': protectedRoute(['198.51.100.7', '198.51.100.8']),
  '/cgi-bin/getcallbackip': protectedRoute(['198.51.100.64', '198.51.100.128/25']),
};
