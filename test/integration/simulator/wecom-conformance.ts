import { describe, expect, test } from 'vitest';
import {
  answerOf,
  type Changes,
  type ConformanceServer,
  type ConformanceTarget,
  expectRefusal,
  expectTicket,
  expectToken,
} from './conformance-target.ts';

/** The part of WeCom, and that neither platform takes the other's tokens. */
export function wecomConformance({ wecom }: ConformanceTarget, server: () => ConformanceServer): void {
  describe('WeCom', () => {
    const ask = (path: string, query: Changes) => answerOf(`${server().url}/cgi-bin/${path}`, query);
    const gettoken = (changes: Changes = {}) =>
      ask('gettoken', { corpid: server().corpId, corpsecret: server().corpSecret, ...changes });
    const ticketRoutes = {
      jsapi: (accessToken?: string) => ask('get_jsapi_ticket', { access_token: accessToken }),
      agent_config: (accessToken?: string) =>
        ask('ticket/get', { access_token: accessToken, type: 'agent_config' }),
    };

    test('gettoken grants a token of at most 512 characters and its whole seconds, with errcode 0', async () => {
      const answer = await gettoken();
      expect(Object.keys(answer).sort()).toEqual(['access_token', 'errcode', 'errmsg', 'expires_in']);
      expect(answer).toMatchObject({ errcode: 0, errmsg: 'ok' });
      expectToken(answer);
    });

    test('gettoken asked twice returns the same token', async () => {
      const first = await gettoken();
      expect((await gettoken())['access_token']).toBe(first['access_token']);
    });

    test.each<[string, Changes, number[]]>([
      ['no corpid', { corpid: undefined }, [41002]],
      ['an unknown corpid', { corpid: 'wwffffffffffffffff' }, [40013]],
      ['no corpsecret', { corpsecret: undefined }, [41004]],
      ['a wrong corpsecret', { corpsecret: 'wrong' }, [40001]],
    ])('%s is refused', async (_, changes, errcodes) => {
      expectRefusal(await gettoken(changes), errcodes);
    });

    test.each([...wecom.ticketTypes])(
      'the token of gettoken gets a ticket for %s with errcode 0, and asked twice the same',
      async (type) => {
        const { access_token } = await gettoken();
        const first = await ticketRoutes[type](String(access_token));
        expectTicket(first);
        const second = await ticketRoutes[type](String(access_token));
        expect(second['ticket']).toBe(first['ticket']);
      },
    );

    test.each([...wecom.ticketTypes])(
      'a ticket for %s without a token, or for something that never was one, is refused',
      async (type) => {
        expectRefusal(await ticketRoutes[type](), [41001]);
        expectRefusal(await ticketRoutes[type]('x'), [40001, 40014, 42001]);
      },
    );

    test.each([...wecom.ticketTypes])(
      'a ticket for %s is refused to the token of an official account',
      async (type) => {
        const { appId, secret } = server();
        const { access_token } = await ask('token', {
          grant_type: 'client_credential',
          appid: appId,
          secret,
        });
        expectRefusal(await ticketRoutes[type](String(access_token)), [40001, 40014]);
      },
    );

    test('getticket is refused to the token of a WeCom app', async () => {
      const { access_token } = await gettoken();
      const answer = await ask('ticket/getticket', { access_token: String(access_token), type: 'jsapi' });
      expectRefusal(answer, [40001, 40014]);
    });
  });
}
