import type { WechatApp } from '../../functions/core/credential.ts';
import type { Grant } from '../../functions/core/ports.ts';
import { DEMO_ACCOUNT, ManualClock } from '../../local/simulator/simulator.ts';
import { type InProcessWechat, inProcessWechat, secretOf } from '../harness/in-process-wechat.ts';
import { MONTH_START } from './month.ts';

const app: WechatApp = {
  name: 'shop',
  kind: 'official-account',
  appId: DEMO_ACCOUNT.appId,
  tokenApi: 'classic',
  tickets: [],
};

/** A WeChat for one candidate, and the call of /cgi-bin/token that it makes. */
export type Account = {
  readonly clock: ManualClock;
  readonly wechat: InProcessWechat;
  /** Undefined when WeChat answers with an error, or not at all. */
  fetchToken(): Promise<Grant | undefined>;
};

export function openAccount(): Account {
  const clock = new ManualClock(MONTH_START);
  const wechat = inProcessWechat([app], clock);
  const request = { app, name: 'access-token', tokenApi: 'classic', force: false } as const;
  return {
    clock,
    wechat,
    fetchToken: () => wechat.source.fetch({ ...request, secret: secretOf(app) }).catch(() => undefined),
  };
}
