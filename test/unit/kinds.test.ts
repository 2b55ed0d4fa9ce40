import { describe, expect, test } from 'vitest';
import {
  type App,
  accountOf,
  blankRecord,
  credentialNames,
  credentialsOf,
  type TicketName,
} from '../../functions/core/credential.ts';
import type { TicketRequest, TokenRequest } from '../../functions/core/ports.ts';
import { expiringBelowSeconds } from '../../functions/core/reporting/metrics.ts';
import { statusReport } from '../../functions/core/reporting/status.ts';
import { renewalModeOf } from '../../functions/core/rules/lifetimes.ts';
import { tokenParameter } from '../../functions/deployment.ts';
import { parseRefreshEvent } from '../../functions/events/refresh-event.ts';
import type { WechatClient } from '../../functions/wechat/client.ts';
import { wechatSource } from '../../functions/wechat/sources.ts';
import { contacts, crm, mini, phone, shop } from '../support/apps.ts';

/** What differs between kinds of apps, kind by kind. */

test('the credentials, as readers name them', () => {
  expect(credentialNames).toEqual([
    'access-token',
    'jsapi-ticket',
    'wx-card-ticket',
    'agent-config-ticket',
    'sdk-ticket',
  ]);
  expect(tokenParameter('/wechat', 'phone', 'sdk-ticket')).toBe('/wechat/tokens/phone/sdk-ticket');
});

test.each<[App, string[], string]>([
  [{ ...shop, tickets: ['jsapi', 'wx_card'] }, ['access-token', 'jsapi-ticket', 'wx-card-ticket'], 'wx1'],
  [mini, ['access-token'], 'wx2'],
  [phone, ['access-token', 'sdk-ticket'], 'wx3'],
  [crm, ['access-token', 'jsapi-ticket', 'agent-config-ticket'], 'ww1/1000002'],
  // Two secrets of one corp without an agent differ by the app's name.
  [contacts, ['access-token'], 'ww1/contacts'],
  [{ ...contacts, name: 'archive', tickets: ['jsapi'] }, ['access-token', 'jsapi-ticket'], 'ww1/archive'],
])('%j has its credentials and its account', async (app, names, account) => {
  expect(credentialsOf(app).map(({ name }) => name)).toEqual(names);
  expect(accountOf(app)).toBe(account);
  const store = { read: async () => new Map() };
  const { apps } = await statusReport([app], store, 0);
  expect(apps).toMatchObject([{ app: app.name, kind: app.kind, account }]);
});

test.each<[App, object]>([
  [
    { ...phone, tokenApi: 'classic' },
    { kind: 'rotating', refreshAfterMs: 6_000_000 },
  ],
  [phone, { kind: 'sticky', renewsBeforeEndMs: 300_000, forcedPerDay: 20 }],
  [contacts, { kind: 'sticky', renewsBeforeEndMs: 0 }],
])('%j renews its token as its interface does', (app, mode) => {
  const record = blankRecord(`${app.name}/access-token`);
  expect(renewalModeOf({ app, name: 'access-token' }, record, 0, 6_000_000)).toEqual(mode);
});

test('a ticket of the SDK lasts to its end, like every ticket', () => {
  const record = blankRecord('phone/sdk-ticket');
  const mode = { kind: 'sticky', renewsBeforeEndMs: 0 };
  expect(renewalModeOf({ app: phone, name: 'sdk-ticket' }, record, 0, 6_000_000)).toEqual(mode);
  expect(expiringBelowSeconds(phone, 'sdk-ticket', 100)).toBe(1);
});

test('a refresh event may name the ticket of the SDK, of an app that has it', () => {
  const event = { app: 'phone', credential: 'sdk-ticket', force: true };
  expect(parseRefreshEvent(event, [phone, shop])).toEqual({
    apps: [phone],
    request: { credential: 'sdk-ticket', force: true },
  });
  expect(() => parseRefreshEvent({ ...event, app: 'shop' }, [phone, shop])).toThrow(
    "credential: app 'shop' has no sdk-ticket; it has 'access-token', 'jsapi-ticket'",
  );
});

describe('what WeChat is asked', () => {
  /** What the source calls for a request; it gets no answer. */
  async function callFor(request: TokenRequest | TicketRequest): Promise<object> {
    const noted: object[] = [];
    const client = (platform: string): WechatClient => ({
      async call({ path, query, json }) {
        noted.push({ platform, path, ...(query && { query }), ...(json !== undefined && { json }) });
        throw new Error('no answer');
      },
    });
    const source = wechatSource({ official: client('official'), wecom: client('wecom') });
    await expect(source.fetch(request)).rejects.toThrow('no answer');
    const [call, ...others] = noted;
    expect(others).toEqual([]);
    return call ?? {};
  }

  test.each<[App, TicketName, string, string, string | undefined]>([
    [shop, 'jsapi-ticket', 'official', '/cgi-bin/ticket/getticket', 'jsapi'],
    [shop, 'wx-card-ticket', 'official', '/cgi-bin/ticket/getticket', 'wx_card'],
    [phone, 'sdk-ticket', 'official', '/cgi-bin/ticket/getticket', '2'],
    [crm, 'jsapi-ticket', 'wecom', '/cgi-bin/get_jsapi_ticket', undefined],
    [contacts, 'jsapi-ticket', 'wecom', '/cgi-bin/get_jsapi_ticket', undefined],
    [crm, 'agent-config-ticket', 'wecom', '/cgi-bin/ticket/get', 'agent_config'],
  ])('for %j: %s', async (app, name, platform, path, type) => {
    expect(await callFor({ app, name, accessToken: 'a-token' })).toEqual({
      platform,
      path,
      query: { access_token: 'a-token', ...(type !== undefined && { type }) },
    });
  });

  test("for an open-platform app's token, by either interface", async () => {
    const request = { app: phone, name: 'access-token', secret: 'the-secret', force: false } as const;
    const application = { grant_type: 'client_credential', appid: 'wx3', secret: 'the-secret' };
    expect(await callFor({ ...request, tokenApi: 'classic' })).toEqual({
      platform: 'official',
      path: '/cgi-bin/token',
      query: application,
    });
    expect(await callFor({ ...request, tokenApi: 'stable' })).toEqual({
      platform: 'official',
      path: '/cgi-bin/stable_token',
      json: { ...application, force_refresh: false },
    });
  });

  test('for the token of a secret without an agent, which the secret alone identifies', async () => {
    expect(await callFor({ app: contacts, name: 'access-token', secret: 'the-secret' })).toEqual({
      platform: 'wecom',
      path: '/cgi-bin/gettoken',
      query: { corpid: 'ww1', corpsecret: 'the-secret' },
    });
  });
});
