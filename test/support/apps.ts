import type { WechatApp, WecomApp } from '../../functions/core/credential.ts';

/** An official account with a ticket, a mini program without one, and a WeCom app with both kinds of tickets. */
export const shop: WechatApp = {
  name: 'shop',
  kind: 'official-account',
  appId: 'wx1',
  tokenApi: 'classic',
  tickets: ['jsapi'],
};
export const mini: WechatApp = {
  name: 'mini',
  kind: 'mini-program',
  appId: 'wx2',
  tokenApi: 'stable',
  tickets: [],
};
export const crm: WecomApp = {
  name: 'crm',
  kind: 'wecom',
  corpId: 'ww1',
  agentId: 1_000_002,
  tickets: ['jsapi', 'agent_config'],
};
