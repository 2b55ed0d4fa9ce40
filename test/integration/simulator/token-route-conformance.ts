import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** A server with the token routes of WeChat and WeCom. */
export type ConformanceTarget = {
  readonly name: string;
  /** The types that its `getticket` knows. */
  readonly ticketTypes: readonly string[];
  readonly wecom: {
    /** The types of tickets that it has for the WeCom app. */
    readonly ticketTypes: readonly ('jsapi' | 'agent_config')[];
  };
  start(): Promise<ConformanceServer>;
};

type ConformanceServer = {
  readonly url: string;
  readonly appId: string;
  readonly secret: string;
  readonly corpId: string;
  readonly corpSecret: string;
  stop(): Promise<void>;
};

/** Changes of a query; `undefined` leaves a parameter out. */
type Changes = Readonly<Record<string, string | undefined>>;
type Answer = Readonly<Record<string, unknown>>;

/**
 * What an unmodified SDK relies on, whether it calls WeChat or a server with WeChat's routes. Rotation is left out:
 * only WeChat itself rotates.
 */
export function tokenRouteConformance(target: ConformanceTarget): void {
  describe(`${target.name} speaks WeChat's token routes`, () => {
    let server: ConformanceServer;
    beforeAll(async () => {
      server = await target.start();
    });
    afterAll(() => server.stop());

    officialAccountConformance(target, () => server);
    wecomConformance(target, () => server);
  });
}

/** The part of official accounts, mini programs and mini games. */
function officialAccountConformance(
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

/** The part of WeCom, and that neither platform takes the other's tokens. */
function wecomConformance({ wecom }: ConformanceTarget, server: () => ConformanceServer): void {
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

/** What SDKs do otherwise than the documents say, and get away with (docs/wechat.md#tickets). */
export function sdkHabitConformance({ name, ticketTypes, wecom, start }: ConformanceTarget): void {
  describe(`${name} does not mind the habits of SDKs`, () => {
    let server: ConformanceServer;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server.stop());

    const ask = (path: string, query: Changes, body?: string) =>
      answerOf(`${server.url}${path}`, query, body);
    const classicQuery = () => ({
      grant_type: 'client_credential',
      appid: server.appId,
      secret: server.secret,
    });
    const gettoken = () => ask('/cgi-bin/gettoken', { corpid: server.corpId, corpsecret: server.corpSecret });

    test.each(['//cgi-bin/token', '/cgi-bin//token', '///cgi-bin///token'])('GET %s', async (path) => {
      expectToken(await ask(path, classicQuery()));
    });

    test('POST //cgi-bin/stable_token', async () => {
      expectToken(await ask('//cgi-bin/stable_token', {}, JSON.stringify(classicQuery())));
    });

    test.each(ticketTypes.flatMap((type) => ['', '{}'].map((body) => [type, body] as const)))(
      "POST of a %s ticket with the body '%s' gets what a GET gets",
      async (type, body) => {
        const { access_token } = await ask('/cgi-bin/token', classicQuery());
        const query = { access_token: String(access_token), type };
        const posted = await ask('//cgi-bin/ticket/getticket', query, body);
        expectTicket(posted);
        expect(posted).toEqual(await ask('/cgi-bin/ticket/getticket', query));
      },
    );

    test.each([...wecom.ticketTypes])('POST of WeCom’s ticket for %s', async (type) => {
      const { access_token } = await gettoken();
      const path = type === 'jsapi' ? '/cgi-bin/get_jsapi_ticket' : '/cgi-bin/ticket/get';
      const query = { access_token: String(access_token), type };
      const posted = await ask(`/${path}`, query, '');
      expectTicket(posted);
      expect(posted).toEqual(await ask(path, query));
    });

    test('a POST without a token is refused as a GET is', async () => {
      expectRefusal(await ask('/cgi-bin/ticket/getticket', { type: 'jsapi' }, ''), [41001]);
    });
  });
}

/** Every answer, refusals too, is HTTP 200 with a JSON object. */
async function answerOf(url: string, query: Changes, body?: string): Promise<Answer> {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const init = body === undefined ? {} : { method: 'POST', body };
  const response = await fetch(`${url}?${new URLSearchParams(given)}`, init);
  expect(response.status).toBe(200);
  const answer: unknown = await response.json();
  expect(answer).toEqual(expect.any(Object));
  return answer as Answer;
}

/** An access token has at most 512 characters and is valid for a whole number of seconds. */
function expectToken(answer: Answer): void {
  expect(answer['access_token']).toMatch(/^\S{1,512}$/);
  expect(Number.isInteger(answer['expires_in'])).toBe(true);
  expect(answer['expires_in']).toBeGreaterThan(0);
}

/** Both platforms answer with a ticket in the same shape. */
function expectTicket(answer: Answer): void {
  expect(answer).toEqual({
    errcode: 0,
    errmsg: 'ok',
    ticket: expect.stringMatching(/^\S{1,512}$/),
    expires_in: expect.any(Number),
  });
}

/** A refusal with one of these codes, and nothing but that. */
function expectRefusal(answer: Answer, errcodes: readonly number[]): void {
  expect(Object.keys(answer).sort()).toEqual(['errcode', 'errmsg']);
  expect(errcodes).toContain(answer['errcode']);
  expect(answer['errmsg']).toMatch(/\S/);
}
