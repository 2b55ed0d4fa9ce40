import {
  type ErrorCodeInfo,
  type ErrorCodeTable,
  type ErrorContext,
  ipNotAllowed,
  WAIT,
} from './error-codes.ts';

const CODES_PAGE = 'https://developer.work.weixin.qq.com/document/path/90313';
const QUOTAS_PAGE = 'https://developer.work.weixin.qq.com/document/path/90454';

const checkSecret = ({ secret }: ErrorContext) =>
  `Compare the Secret with ${secret} and write the right one.`;
const tokenNotAccepted: ErrorCodeInfo = {
  kind: 'credential',
  meaning: 'the access token is no longer accepted',
  remedy: 'Nothing to do: it is renewed. WeCom may invalidate a token before its end.',
  source: CODES_PAGE,
};

/** 企业微信: docs/wechat.md#error-codes. */
export const wecomErrorCodes: ErrorCodeTable = {
  list: CODES_PAGE,
  ofTokenCalls: { 40001: tokenNotAccepted },
  byCode: {
    [-1]: { kind: 'transient', meaning: 'WeCom is busy', remedy: WAIT, source: CODES_PAGE },
    40001: {
      kind: 'configuration',
      meaning: 'the Secret is wrong',
      remedy: checkSecret,
      source: CODES_PAGE,
      rejectsSecret: true,
    },
    40013: {
      kind: 'configuration',
      meaning: 'WeCom does not know this CorpID',
      remedy: 'Correct corpId in the configuration (it starts with ww or wx) and deploy.',
      source: CODES_PAGE,
    },
    40014: tokenNotAccepted,
    40091: {
      kind: 'configuration',
      meaning: 'the Secret is invalid',
      remedy: checkSecret,
      source: CODES_PAGE,
      rejectsSecret: true,
    },
    41001: {
      kind: 'configuration',
      meaning: 'the access token is missing',
      remedy: 'Report this as a bug.',
      source: CODES_PAGE,
    },
    41002: {
      kind: 'configuration',
      meaning: 'the CorpID is missing',
      remedy: 'Set corpId in the configuration.',
      source: CODES_PAGE,
    },
    41004: {
      kind: 'configuration',
      meaning: 'the Secret is missing',
      remedy: checkSecret,
      source: CODES_PAGE,
      rejectsSecret: true,
    },
    42001: { ...tokenNotAccepted, meaning: 'the access token has expired' },
    45009: {
      kind: 'transient',
      meaning: 'too many calls for now',
      remedy: 'The next tick tries again. If it stays, find the program that calls in a loop.',
      source: QUOTAS_PAGE,
    },
    45033: { kind: 'transient', meaning: 'too many calls at once', remedy: WAIT, source: CODES_PAGE },
    48002: {
      kind: 'configuration',
      meaning: 'the app may not use this interface',
      remedy: ({ secret }) => `Give it the right on ${secret}, or remove the ticket from the configuration.`,
      source: CODES_PAGE,
    },
    50003: {
      kind: 'configuration',
      meaning: 'the app is disabled',
      remedy: ({ secret }) => `Enable it on ${secret}.`,
      source: CODES_PAGE,
    },
    60020: ipNotAllowed(CODES_PAGE),
  },
};
