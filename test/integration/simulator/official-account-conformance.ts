import { describe, expect, test } from 'vitest';
import {
  type Answer,
  answerOf,
  type Changes,
  type ConformanceServer,
  type ConformanceTarget,
  expectRefusal,
  expectTicket,
  expectToken,
} from './conformance-target.ts';

/** The part of official accounts, mini programs and mini games. */
export function officialAccountConformance(
  { ticketTypes }: ConformanceTarget,
  server: () => ConformanceServer,
): void {
  describe('official accounts', () => {
    const ask = (path: string, query: Changes, body?: string) =>
      answerOf(`${server().url}/cgi-bin/${path}`, query, body);
    const application = () => ({
      grant_type: 'client_credential',
      appid: server().appId,
      secret: server().secret,
    });
    const classic = (changes: Changes = {}) => ask('token', { ...application(), ...changes });
    const stable = (changes: object = {}) =>
      ask('stable_token', {}, JSON.stringify({ ...application(), ...changes }));
    const ticket = (changes: Changes) => ask('ticket/getticket', { type: 'jsapi', ...changes });

    test.each([
      ['token', () => classic()],
      ['stable_token', () => stable()],
      ['stable_token, forced', () => stable({ force_refresh: true })],
    ])(
      '%s grants a token of at most 512 characters and its whole seconds, without an errcode',
      async (_, call) => {
        const answer = await call();
        expect(Object.keys(answer).sort()).toEqual(['access_token', 'expires_in']);
        expectToken(answer);
      },
    );

    test('stable_token asked twice returns the same token', async () => {
      const first = await stable();
      expect((await stable())['access_token']).toBe(first['access_token']);
    });

    test.each([...ticketTypes])(
      'the token of /cgi-bin/token gets a %s ticket with errcode 0, and asked twice the same',
      async (type) => {
        const { access_token } = await classic();
        const first = await ticket({ access_token: String(access_token), type });
        expectTicket(first);
        const second = await ticket({ access_token: String(access_token), type });
        expect(second['ticket']).toBe(first['ticket']);
      },
    );

    const unknown = 'wxffffffffffffffff';
    test.each<[string, Changes, number[]]>([
      ['no grant_type', { grant_type: undefined }, [40002]],
      ['another grant_type', { grant_type: 'authorization_code' }, [40002]],
      ['no grant_type and no appid', { grant_type: undefined, appid: undefined }, [40002]],
      ['no appid', { appid: undefined }, [41002]],
      ['no appid and no secret', { appid: undefined, secret: undefined }, [41002]],
      ['an unknown appid', { appid: unknown }, [40013]],
      ['an unknown appid and no secret', { appid: unknown, secret: undefined }, [40013]],
      ['no secret', { secret: undefined }, [41004]],
      ['a wrong secret', { secret: 'wrong' }, [40001, 40125]],
    ])('%s is refused', async (_, changes, errcodes) => {
      expectRefusal(await classic(changes), errcodes);
      expectRefusal(await stable(changes), errcodes);
    });

    test.each<[string, () => Promise<Answer>, number[]]>([
      ['POST token', () => ask('token', application(), ''), [43001]],
      ['GET stable_token', () => ask('stable_token', application()), [43002]],
      ['stable_token without a body', () => ask('stable_token', {}, ''), [47001]],
      ['stable_token with a form', () => ask('stable_token', {}, 'a=b'), [47001]],
      ['a ticket without a token', () => ticket({}), [41001]],
      ['a ticket for something that never was a token', () => ticket({ access_token: 'x' }), [40001, 40014]],
    ])('%s is refused', async (_, call, errcodes) => {
      expectRefusal(await call(), errcodes);
    });
  });
}
