import { type App, accountOf, type WechatApp, type WecomApp } from '../../functions/core/credential.ts';
import { SourceError } from '../../functions/core/errors.ts';
import type { CredentialSource } from '../../functions/core/ports.ts';
import { decodeBody, RetryableError, readAnswer } from '../../functions/wechat/answers.ts';
import type { Answered, WechatCall, WechatClient } from '../../functions/wechat/client.ts';
import { type ErrorCodeTable, toSourceError, unusableAnswer } from '../../functions/wechat/error-codes.ts';
import { officialErrorCodes } from '../../functions/wechat/official-error-codes.ts';
import { wechatSource } from '../../functions/wechat/sources.ts';
import { wecomErrorCodes } from '../../functions/wechat/wecom-error-codes.ts';
import type { Clock } from '../../local/simulator/clock.ts';
import type { Operator } from '../../local/simulator/operator.ts';
import type { RequestHandler, WechatResponse } from '../../local/simulator/request-handler.ts';
import { openSimulator } from '../../local/simulator/simulator.ts';

/** The simulator without a network, for tests and benches that make millions of calls. */
export type InProcessWechat = Operator & { readonly source: CredentialSource };

/** Each app has an account of its own; its AppSecret is that of `secretOf`. */
export function inProcessWechat(apps: readonly App[], clock: Clock): InProcessWechat {
  const { handler, operator } = openSimulator({
    clock,
    accounts: apps
      .filter(isWechat)
      .map((app) => ({ appId: app.appId, kind: app.kind, secret: secretOf(app) })),
    wecomApps: apps.filter(isWecom).map((app) => ({ ...app, secret: secretOf(app) })),
  });
  const source = wechatSource({
    official: client(handler, officialErrorCodes),
    wecom: client(handler, wecomErrorCodes),
  });
  return { ...operator, source };
}

/** The initial AppSecret of an app's account. */
export function secretOf(app: App): string {
  return `secret-of-${accountOf(app)}`;
}

const HOST = 'api.weixin.qq.com';
/** A lost answer and an empty one are worth the same. */
const NO_ANSWER: Exclude<WechatResponse, 'connection-lost'> = {
  status: 200,
  headers: {},
  body: Buffer.alloc(0),
  delayMs: 0,
};

/** Reads answers and errors as the real client does, with one attempt instead of its four. */
function client(handler: RequestHandler, errorCodes: ErrorCodeTable): WechatClient {
  return {
    async call<T>(call: WechatCall<T>): Promise<Answered<T>> {
      const { path, query, json, answer } = call;
      const response = handler.handle({
        method: json ? 'POST' : 'GET',
        path,
        host: HOST,
        query: new URLSearchParams(query),
        json,
      });
      try {
        const { status, headers, body } = response === 'connection-lost' ? NO_ANSWER : response;
        const decoded = await decodeBody(body, headers['content-encoding'] ?? '');
        const outcome = readAnswer({ host: HOST, status, ...decoded }, answer);
        if ('granted' in outcome) return { answer: outcome.granted, upstreamCalls: 1 };
        if ('unusable' in outcome) throw unusableAnswer(call.app, outcome.unusable, 1);
        const facts = { mayHaveRotated: false, upstreamCalls: 1 };
        throw toSourceError(call, outcome.errorResponse, facts, errorCodes);
      } catch (error) {
        if (!(error instanceof RetryableError)) throw error;
        const { code, message, mayHaveExecuted } = error;
        throw new SourceError(message, {
          code,
          kind: 'transient',
          mayHaveRotated: mayHaveExecuted,
          upstreamCalls: mayHaveExecuted ? 1 : 0,
        });
      }
    },
  };
}

function isWechat(app: App): app is WechatApp {
  return app.kind !== 'wecom';
}

function isWecom(app: App): app is WecomApp {
  return app.kind === 'wecom';
}
