import { expect } from 'vitest';

/** A server that speaks the token routes of WeChat and WeCom to callers with these credentials. */
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

export type ConformanceServer = {
  readonly url: string;
  readonly appId: string;
  readonly secret: string;
  readonly corpId: string;
  readonly corpSecret: string;
  stop(): Promise<void>;
};

/** Changes of a query; `undefined` leaves a parameter out. */
export type Changes = Readonly<Record<string, string | undefined>>;
export type Answer = Readonly<Record<string, unknown>>;

/** Every answer, refusals too, is HTTP 200 with a JSON object. */
export async function answerOf(url: string, query: Changes, body?: string): Promise<Answer> {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const init = body === undefined ? {} : { method: 'POST', body };
  const response = await fetch(`${url}?${new URLSearchParams(given)}`, init);
  expect(response.status).toBe(200);
  const answer: unknown = await response.json();
  expect(answer).toEqual(expect.any(Object));
  return answer as Answer;
}

/** An access token has at most 512 characters and lives a whole number of seconds. */
export function expectToken(answer: Answer): void {
  expect(answer['access_token']).toMatch(/^\S{1,512}$/);
  expect(Number.isInteger(answer['expires_in'])).toBe(true);
  expect(answer['expires_in']).toBeGreaterThan(0);
}

/** Both platforms answer with a ticket in the same shape. */
export function expectTicket(answer: Answer): void {
  expect(answer).toEqual({
    errcode: 0,
    errmsg: 'ok',
    ticket: expect.stringMatching(/^\S{1,512}$/),
    expires_in: expect.any(Number),
  });
}

/** A refusal with one of these codes, and nothing but that. */
export function expectRefusal(answer: Answer, errcodes: readonly number[]): void {
  expect(Object.keys(answer).sort()).toEqual(['errcode', 'errmsg']);
  expect(errcodes).toContain(answer['errcode']);
  expect(answer['errmsg']).toMatch(/\S/);
}
