import { type ErrorCodeTable, WAIT } from './error-codes.ts';

const CONSOLE = 'work.weixin.qq.com (应用管理 > the app)';
const CHECK_SECRET = `Compare the Secret with ${CONSOLE} and write the right one.`;

/** 企业微信: https://developer.work.weixin.qq.com/document/path/90313 */
export const wecomErrorCodes: ErrorCodeTable = {
  ipNotAllowed: {
    errcode: 60020,
    list: "the app's list of trusted IPs",
    where: `${CONSOLE}: 企业可信IP`,
  },
  byCode: {
    40001: {
      kind: 'configuration',
      meaning: 'the Secret is wrong',
      remedy: CHECK_SECRET,
      rejectedCredential: 'secret',
    },
    40013: {
      kind: 'configuration',
      meaning: 'WeCom does not know this CorpID',
      remedy: 'Correct corpId in the configuration (it starts with ww or wx) and deploy.',
    },
    40091: {
      kind: 'configuration',
      meaning: 'the Secret is invalid',
      remedy: CHECK_SECRET,
      rejectedCredential: 'secret',
    },
    41002: {
      kind: 'configuration',
      meaning: 'the CorpID is missing',
      remedy: 'Set corpId in the configuration.',
    },
    41004: { kind: 'configuration', meaning: 'the Secret is missing', remedy: CHECK_SECRET },
    45009: { kind: 'transient', meaning: 'too many calls for now', remedy: WAIT },
    48002: {
      kind: 'configuration',
      meaning: 'the app may not use this interface',
      remedy: `Give it the right on ${CONSOLE}, or remove the ticket from the configuration.`,
    },
    50003: { kind: 'configuration', meaning: 'the app is disabled', remedy: `Enable it on ${CONSOLE}.` },
  },
};
