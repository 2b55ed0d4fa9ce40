import type { App } from '../../functions/core/credential.ts';

/** An official account with a ticket, and a mini program without one. */
export const shop: App = {
  name: 'shop',
  kind: 'official-account',
  appId: 'wx1',
  tokenApi: 'classic',
  tickets: ['jsapi'],
};
export const mini: App = {
  name: 'mini',
  kind: 'mini-program',
  appId: 'wx2',
  tokenApi: 'stable',
  tickets: [],
};
