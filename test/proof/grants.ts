import type { Operator } from '../../local/simulator/operator.ts';

const ROUTES = /token$|ticket$|ticket\/get$/;

/** How often WeChat has granted a token or a ticket, the same one again included: by interface and account. */
export function grantsOf(wechat: Operator): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { route, outcome, appId, corpId } of wechat.calls()) {
    if (outcome !== 'ok' || !ROUTES.test(route)) continue;
    const what = `${route} of ${appId ?? corpId}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}
