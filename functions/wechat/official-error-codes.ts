import { type ErrorCodeTable, WAIT } from './error-codes.ts';

const CHECK_SECRET =
  'Compare the AppSecret with mp.weixin.qq.com (Settings & Development > Basic configuration) and write the right one.';

/** 公众号, 小程序: https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html */
export const officialErrorCodes: ErrorCodeTable = {
  ipNotAllowed: {
    errcode: 40164,
    list: "the account's IP allow-list",
    where: 'mp.weixin.qq.com: Settings & Development > Basic configuration > IP allow-list (IP白名单)',
  },
  byCode: {
    [-1]: { kind: 'transient', meaning: 'WeChat is busy', remedy: WAIT },
    40001: {
      kind: 'configuration',
      meaning: 'the AppSecret is wrong',
      remedy: CHECK_SECRET,
      rejectedCredential: 'secret',
    },
    40002: {
      kind: 'configuration',
      meaning: 'the grant_type is not accepted',
      remedy: 'Report this as a bug.',
    },
    40013: {
      kind: 'configuration',
      meaning: 'WeChat does not know this AppID',
      remedy: 'Correct appId in the configuration (it starts with wx) and deploy.',
    },
    40125: {
      kind: 'configuration',
      meaning: 'the AppSecret is invalid',
      remedy: CHECK_SECRET,
      rejectedCredential: 'secret',
    },
    40243: {
      kind: 'configuration',
      meaning: 'the AppSecret is frozen',
      remedy: 'Unfreeze or reset it on mp.weixin.qq.com (Basic configuration), then write the new one.',
      rejectedCredential: 'secret',
    },
    41002: {
      kind: 'configuration',
      meaning: 'the AppID is missing',
      remedy: 'Set appId in the configuration.',
    },
    41004: {
      kind: 'configuration',
      meaning: 'the AppSecret is missing',
      remedy: CHECK_SECRET,
      rejectedCredential: 'secret',
    },
    45009: {
      kind: 'quota',
      meaning: "the day's calls are used up",
      remedy:
        'Find the other program that fetches this credential and stop it; the quota is back at midnight, Beijing time.',
    },
    45011: { kind: 'transient', meaning: 'too many calls in a minute', remedy: WAIT },
    48001: {
      kind: 'configuration',
      meaning: 'the account may not use this interface',
      remedy: 'Verify the account, or remove the ticket from the configuration.',
    },
    50004: {
      kind: 'configuration',
      meaning: 'the token interface is forbidden for this account',
      remedy: 'Ask WeChat support why.',
    },
    50007: {
      kind: 'configuration',
      meaning: 'the account is frozen',
      remedy: 'Unfreeze it on mp.weixin.qq.com.',
    },
    89501: {
      kind: 'configuration',
      meaning: 'this IP waits for the administrator',
      remedy: 'The administrator confirms the message that WeChat sent.',
    },
    89503: {
      kind: 'configuration',
      meaning: "this IP needs the administrator's confirmation",
      remedy: 'The administrator confirms the message that WeChat sent.',
    },
    89506: {
      kind: 'configuration',
      meaning: 'the administrator refused this IP twice; WeChat blocks it for 24 hours',
      remedy: 'Agree with the administrator, then wait for the block to end.',
    },
    89507: {
      kind: 'configuration',
      meaning: 'the administrator refused this IP; WeChat blocks it for an hour',
      remedy: 'Agree with the administrator, then wait for the block to end.',
    },
  },
};
