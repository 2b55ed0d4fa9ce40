import type { WechatApp, WecomApp } from '../../functions/core/credential.ts';

/** An app of each kind: with a ticket, without one, with both kinds of WeCom's tickets, with the SDK's, without an agent. */
export const shop = {
  name: 'shop',
  kind: 'official-account',
  appId: 'wx1',
  tokenApi: 'classic',
  tickets: ['jsapi'],
} as const satisfies WechatApp;
export const mini = {
  name: 'mini',
  kind: 'mini-program',
  appId: 'wx2',
  tokenApi: 'stable',
  tickets: [],
} as const satisfies WechatApp;
export const crm = {
  name: 'crm',
  kind: 'wecom',
  corpId: 'ww1',
  agentId: 1_000_002,
  tickets: ['jsapi', 'agent_config'],
} as const satisfies WecomApp;
export const phone = {
  name: 'phone',
  kind: 'open-app',
  appId: 'wx3',
  tokenApi: 'stable',
  tickets: ['sdk'],
} as const satisfies WechatApp;
export const contacts = {
  name: 'contacts',
  kind: 'wecom',
  corpId: 'ww1',
  tickets: [],
} as const satisfies WecomApp;
