import {
  type ErrorCodeInfo,
  type ErrorCodeTable,
  type ErrorContext,
  ipNotAllowed,
  WAIT,
} from './error-codes.ts';

const TOKEN_PAGE = 'https://developers.weixin.qq.com/doc/channels/api/basic/api_getaccesstoken.md';
const STABLE_PAGE = 'https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken';
const CODES_PAGE = 'https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html';
const QUOTAS_PAGE = 'https://developers.weixin.qq.com/doc/service/guide/dev/api/limit.html';
const IP_PAGE = 'https://developers.weixin.qq.com/doc/oplatform/developers/basic_func/ip_whitelist.md';
const OLD_IP_PAGE = 'https://developers.weixin.qq.com/doc/service/guide/dev/api';
const QUOTA_GET_PAGE = 'https://developers.weixin.qq.com/doc/channels/api/basic/api_getapiquota.md';
const RID_GET_PAGE = 'https://developers.weixin.qq.com/doc/store/shop/API/apimgnt/api_getridinfo.html';
const QUOTA_CLEAR_PAGE =
  'https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_clearquotabyappsecret.md';
const RETIRED_IPS_PAGE =
  'https://developers.weixin.qq.com/community/personal/oCJUsw8jlbFOKsvXHYWPXhEOsn-k/fav';

const checkSecret = ({ secret }: ErrorContext) =>
  `Compare the AppSecret with ${secret} and write the right one.`;
const REPORT_BUG = 'Report this as a bug.';
const CONFIRM = 'The administrator confirms the message that WeChat sent.';
const AGREE = 'Agree with the administrator, then wait for the block to end.';
const RENEWED = 'Nothing to do: it is renewed. If this comes again, another client fetches it: find it.';

const waitsForAdministrator: ErrorCodeInfo = {
  kind: 'configuration',
  meaning: 'this IP waits for the administrator',
  remedy: CONFIRM,
  source: CODES_PAGE,
};
const noCount: ErrorCodeInfo = {
  kind: 'configuration',
  meaning: 'WeChat gives no count of the calls for this account',
  remedy: 'Nothing to do: only the count is missing.',
  source: QUOTA_GET_PAGE,
};
const wrongRequest: ErrorCodeInfo = {
  kind: 'configuration',
  meaning: 'WeChat does not accept the form of the request',
  remedy: REPORT_BUG,
  source: CODES_PAGE,
};

/** 公众号, 小程序, 小游戏, and the apps of the open platform: docs/wechat.md#error-codes. */
export const officialErrorCodes: ErrorCodeTable = {
  list: CODES_PAGE,
  ofTokenCalls: {
    [-1000]: {
      kind: 'credential',
      meaning: 'WeChat fails until the access token is renewed',
      remedy: 'Nothing to do: the token is checked, and renewed if this stays.',
      source: 'users',
      needsNewToken: true,
    },
    40001: {
      kind: 'credential',
      meaning: 'the access token is no longer accepted',
      remedy: RENEWED,
      source: CODES_PAGE,
    },
  },
  byCode: {
    [-1]: { kind: 'transient', meaning: 'WeChat is busy', remedy: WAIT, source: TOKEN_PAGE },
    40001: {
      kind: 'configuration',
      meaning: 'the AppSecret is wrong',
      remedy: checkSecret,
      source: TOKEN_PAGE,
      rejectsSecret: true,
    },
    40002: {
      kind: 'configuration',
      meaning: 'the grant_type is not accepted',
      remedy: 'Report this as a bug, if the hosts and the proxy lead to WeChat.',
      source: TOKEN_PAGE,
    },
    40013: {
      kind: 'configuration',
      meaning: 'WeChat does not know this AppID',
      remedy: 'Correct appId in the configuration (it starts with wx) and deploy.',
      source: TOKEN_PAGE,
    },
    40014: {
      kind: 'credential',
      meaning: 'the access token is no longer accepted',
      remedy: RENEWED,
      source: CODES_PAGE,
    },
    40066: {
      kind: 'configuration',
      meaning: 'WeChat does not know the path of the call',
      remedy: "Correct the base URLs in the configuration: WeChat's own paths follow them.",
      source: CODES_PAGE,
    },
    40125: {
      kind: 'configuration',
      meaning: 'the AppSecret is invalid',
      remedy: checkSecret,
      source: TOKEN_PAGE,
      rejectsSecret: true,
    },
    40164: ipNotAllowed(IP_PAGE),
    40243: {
      kind: 'configuration',
      meaning: 'the AppSecret is frozen',
      remedy: ({ secret }) =>
        `Unfreeze it on ${secret}, which takes effect after ten minutes; or reset it and write the new one.`,
      source: TOKEN_PAGE,
      rejectsSecret: true,
    },
    41001: {
      kind: 'configuration',
      meaning: 'the access token is missing',
      remedy: REPORT_BUG,
      source: CODES_PAGE,
    },
    41002: {
      kind: 'configuration',
      meaning: 'the AppID is missing',
      remedy: 'Set appId in the configuration.',
      source: TOKEN_PAGE,
    },
    41004: {
      kind: 'configuration',
      meaning: 'the AppSecret is missing',
      remedy: checkSecret,
      source: TOKEN_PAGE,
      rejectsSecret: true,
    },
    42001: {
      kind: 'credential',
      meaning: 'the access token has expired',
      remedy: 'Nothing to do: it is renewed. If this comes each time, check the clock.',
      source: CODES_PAGE,
    },
    43001: wrongRequest,
    43002: { ...wrongRequest, source: STABLE_PAGE },
    47001: wrongRequest,
    45009: {
      kind: 'quota',
      meaning: 'the calls are used up, mostly those of the day',
      remedy:
        'Find the other program that fetches this credential and stop it; the quota is back at midnight, Beijing time.',
      source: QUOTAS_PAGE,
    },
    45011: {
      kind: 'transient',
      meaning: 'too many calls in a minute',
      remedy: WAIT,
      source: TOKEN_PAGE,
    },
    45035: ipNotAllowed(IP_PAGE),
    48001: {
      kind: 'configuration',
      meaning: 'the account may not use this interface',
      remedy: 'Verify the account, or remove the ticket from the configuration.',
      source: TOKEN_PAGE,
    },
    48006: {
      kind: 'quota',
      meaning: "the month's ten resets of the quota are used up",
      remedy: 'Wait for the next month.',
      source: QUOTA_CLEAR_PAGE,
    },
    48017: {
      kind: 'configuration',
      meaning: 'an IP address of WeChat was called that is retired',
      remedy: 'Use host names in the configuration, and check where the proxy sends the calls.',
      source: RETIRED_IPS_PAGE,
    },
    50001: {
      kind: 'configuration',
      meaning: 'the account has no right to this interface',
      remedy: ({ name }) => `Check the account's rights and messages on ${name}.`,
      source: 'users',
    },
    50002: {
      kind: 'configuration',
      meaning: 'the account is limited',
      remedy: ({ name }) => `Check the account's rights and messages on ${name}.`,
      source: 'users',
    },
    50004: {
      kind: 'configuration',
      meaning: 'the token interface is forbidden for this account',
      remedy: ({ name }) => `Look for WeChat's message on ${name}; otherwise ask its support why.`,
      source: TOKEN_PAGE,
    },
    50007: {
      kind: 'configuration',
      meaning: 'the account is frozen',
      remedy: ({ name }) => `Unfreeze it on ${name}.`,
      source: TOKEN_PAGE,
    },
    61004: ipNotAllowed(OLD_IP_PAGE),
    61024: {
      kind: 'configuration',
      meaning: "the interface wants a third-party platform's token",
      remedy: 'Use the AppID and the AppSecret of the account itself.',
      source: CODES_PAGE,
    },
    76001: {
      kind: 'configuration',
      meaning: 'WeChat does not know this rid, or it is older than seven days',
      remedy: 'Nothing to do: only the explanation is missing.',
      source: RID_GET_PAGE,
    },
    76003: noCount,
    76021: noCount,
    76022: noCount,
    89501: waitsForAdministrator,
    89502: waitsForAdministrator,
    89503: {
      kind: 'configuration',
      meaning: "this IP needs the administrator's confirmation",
      remedy: ({ ipList }) => `${CONFIRM} Or add the IP on ${ipList.page}.`,
      source: TOKEN_PAGE,
    },
    89504: waitsForAdministrator,
    89505: waitsForAdministrator,
    89506: {
      kind: 'configuration',
      meaning: 'the administrator refused this IP twice; WeChat blocks it for 24 hours',
      remedy: AGREE,
      source: TOKEN_PAGE,
    },
    89507: {
      kind: 'configuration',
      meaning: 'the administrator refused this IP; WeChat blocks it for an hour',
      remedy: AGREE,
      source: TOKEN_PAGE,
    },
  },
};
