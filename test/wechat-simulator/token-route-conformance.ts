import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** A server that speaks WeChat's token routes to callers with these credentials. */
export type ConformanceTarget = {
  readonly name: string;
  /** The types that its `getticket` knows. */
  readonly ticketTypes: readonly string[];
  start(): Promise<{ url: string; appId: string; secret: string; stop(): Promise<void> }>;
};

/**
 * What an unmodified SDK relies on, whether it talks to WeChat or to somebody who serves WeChat's shapes.
 * Says nothing of rotation, which only the real thing does.
 */
export function tokenRouteConformance(target: ConformanceTarget): void {
  describe(`${target.name} speaks WeChat's token routes`, () => {
    let server: Awaited<ReturnType<ConformanceTarget['start']>>;
    beforeAll(async () => {
      server = await target.start();
    });
    afterAll(() => server.stop());

    const application = () => ({
      grant_type: 'client_credential',
      appid: server.appId,
      secret: server.secret,
    });
    const classic = (changes: Changes = {}) =>
      answerOf(`${server.url}/cgi-bin/token?${queryOf({ ...application(), ...changes })}`);
    const stable = (changes: object = {}) =>
      answerOf(`${server.url}/cgi-bin/stable_token`, JSON.stringify({ ...application(), ...changes }));
    const ticket = (changes: Changes) =>
      answerOf(`${server.url}/cgi-bin/ticket/getticket?${queryOf({ type: 'jsapi', ...changes })}`);

    test.each([
      ['token', () => classic()],
      ['stable_token', () => stable()],
      ['stable_token, forced', () => stable({ force_refresh: true })],
    ])(
      '%s grants a token of at most 512 characters and its whole seconds, without an errcode',
      async (_, call) => {
        const answer = await call();
        expect(Object.keys(answer).sort()).toEqual(['access_token', 'expires_in']);
        expect(answer['access_token']).toMatch(/^\S{1,512}$/);
        expect(Number.isInteger(answer['expires_in'])).toBe(true);
        expect(answer['expires_in']).toBeGreaterThan(0);
      },
    );

    test('stable_token asked twice returns the same token', async () => {
      const first = await stable();
      expect((await stable())['access_token']).toBe(first['access_token']);
    });

    test.each([...target.ticketTypes])(
      'a %s ticket comes with errcode 0, and asked twice is the same',
      async (type) => {
        const { access_token } = await classic();
        const first = await ticket({ access_token: String(access_token), type });
        expect(first).toEqual({
          errcode: 0,
          errmsg: 'ok',
          ticket: expect.stringMatching(/^\S{1,512}$/),
          expires_in: expect.any(Number),
        });
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
      for (const answer of [await classic(changes), await stable(changes)]) {
        expect(Object.keys(answer).sort()).toEqual(['errcode', 'errmsg']);
        expect(errcodes).toContain(answer['errcode']);
        expect(answer['errmsg']).toMatch(/\S/);
      }
    });

    test.each<[string, () => Promise<Answer>, number[]]>([
      [
        'GET stable_token',
        () => answerOf(`${server.url}/cgi-bin/stable_token?${queryOf(application())}`),
        [43002],
      ],
      ['stable_token without a body', () => answerOf(`${server.url}/cgi-bin/stable_token`, ''), [47001]],
      ['stable_token with a form', () => answerOf(`${server.url}/cgi-bin/stable_token`, 'a=b'), [47001]],
      ['a ticket without a token', () => ticket({}), [41001]],
      ['a ticket for something that never was a token', () => ticket({ access_token: 'x' }), [40001, 40014]],
    ])('%s is refused', async (_, call, errcodes) => {
      expect(errcodes).toContain((await call())['errcode']);
    });
  });
}

type Changes = Readonly<Record<string, string | undefined>>;
type Answer = Readonly<Record<string, unknown>>;

function queryOf(parameters: Changes): URLSearchParams {
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return new URLSearchParams(given);
}

/** Every answer, refusals too, is HTTP 200 with a JSON object. */
async function answerOf(url: string, body?: string): Promise<Answer> {
  const response = await fetch(url, body === undefined ? {} : { method: 'POST', body });
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}
