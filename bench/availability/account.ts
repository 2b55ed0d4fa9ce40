import type { WechatApp } from '../../functions/core/credential.ts';
import type { Grant } from '../../functions/core/ports.ts';
import { DEMO_ACCOUNT, ManualClock } from '../../local/simulator/simulator.ts';
import { type InProcessWechat, inProcessWechat, secretOf } from '../../test/support/in-process-wechat.ts';
import { MONTH_START } from './month.ts';

const app: WechatApp = {
  name: 'shop',
  kind: 'official-account',
  appId: DEMO_ACCOUNT.appId,
  tokenApi: 'classic',
  tickets: [],
};

/** A WeChat for one contender, and the call of /cgi-bin/token that its form makes. */
export type Account = {
  readonly clock: ManualClock;
  readonly wechat: InProcessWechat;
  /** Undefined when WeChat refuses, or does not answer. */
  fetchToken(): Promise<Grant | undefined>;
};

export function openAccount(): Account {
  const clock = new ManualClock(MONTH_START);
  const wechat = inProcessWechat([app], clock);
  const order = { app, name: 'access-token', tokenApi: 'classic', force: false } as const;
  return {
    clock,
    wechat,
    fetchToken: () => wechat.source.fetch({ ...order, secret: secretOf(app) }).catch(() => undefined),
  };
}
