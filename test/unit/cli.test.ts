import { describe, expect, test } from 'vitest';
import { asCliError, CliError } from '../../cli/cli-error.ts';
import { keyLines } from '../../cli/commands/reader-key.ts';
import { resultLines } from '../../cli/commands/refresh.ts';
import { asSecret } from '../../cli/commands/secret.ts';
import { exitCodeOf, statusLines } from '../../cli/commands/status.ts';
import { diagnosisChecks, egressCheck, statusChecks } from '../../cli/doctor-checks.ts';
import { bar, duration, table } from '../../cli/format.ts';
import { refresherClient } from '../../cli/refresher-client.ts';
import type { Diagnosis } from '../../functions/core/reporting/diagnosis.ts';
import type {
  AppStatus,
  CredentialStatus,
  State,
  StatusReport,
} from '../../functions/core/reporting/status.ts';

const NOW = Date.UTC(2026, 10, 23, 12);
const MINUTE = 60_000;

const credential = (changes: Partial<CredentialStatus> = {}): CredentialStatus => ({
  credential: 'access-token',
  state: 'live',
  expiresAt: NOW + 90 * MINUTE,
  renewedAt: NOW - 30 * MINUTE,
  version: 7,
  mirroredVersion: 7,
  nextAttemptAt: null,
  lastError: null,
  ...changes,
});
const shop = (...credentials: CredentialStatus[]): AppStatus => ({
  app: 'shop',
  kind: 'official-account',
  account: 'wx0123456789abcdef',
  tokenApi: 'classic',
  credentials,
});
const ip = {
  code: '40164',
  message: 'the IP 203.0.113.7 is not on the allow-list. Add it on mp.weixin.qq.com.',
  at: NOW - 2 * MINUTE,
  count: 3,
  refusedIp: '203.0.113.7',
};
const reportOf = (...apps: AppStatus[]): StatusReport => ({ now: NOW, apps });

describe('format', () => {
  test.each([
    [0, '0 s'],
    [59_999, '59 s'],
    [250_000, '4 min 10 s'],
    [15 * MINUTE + 5_000, '15 min'],
    [107 * MINUTE, '1 h 47 min'],
    [50 * 60 * MINUTE, '2 d 2 h'],
    [-5_000, '0 s'],
  ])('%d ms are %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  test.each([
    [120, 120, '██████████'],
    [60, 120, '█████░░░░░'],
    // What is left is seen, however little it is.
    [1, 120, '█░░░░░░░░░'],
    [0, 120, '░░░░░░░░░░'],
    [-5, 120, '░░░░░░░░░░'],
    [500, 120, '██████████'],
    [5, 0, '░░░░░░░░░░'],
  ])('%d of %d is %s', (left, whole, drawn) => {
    expect(bar(left, whole)).toBe(drawn);
  });

  test('columns are as wide as their widest cell, whatever its colour', () => {
    expect(
      table(
        ['A', 'B'],
        [
          ['\u001b[32mlive\u001b[39m', '1'],
          ['x', '22'],
        ],
      ),
    ).toEqual(['A     B', '\u001b[32mlive\u001b[39m  1', 'x     22']);
  });
});

describe('status', () => {
  test('one line for each credential, and below it its last error with the remedy', () => {
    const failing = credential({ state: 'failing', lastError: ip, nextAttemptAt: NOW + 30_000 });
    const missing = credential({
      credential: 'jsapi-ticket',
      state: 'missing',
      expiresAt: null,
      renewedAt: null,
      version: 0,
      mirroredVersion: 0,
    });
    expect(statusLines(reportOf(shop(failing, missing)))).toEqual([
      'CREDENTIAL         STATE    TIME LEFT              RENEWED     VERSION',
      'shop/access-token  failing  ████████░░ 1 h 30 min  30 min ago  7',
      '  40164 2 min 0 s ago, 3 times in a row; next attempt in 30 s',
      '  the IP 203.0.113.7 is not on the allow-list. Add it on mp.weixin.qq.com.',
      'shop/jsapi-ticket  missing  ░░░░░░░░░░ –           never       0',
    ]);
  });

  test('a value that SSM does not have yet is marked', () => {
    const lines = statusLines(
      reportOf(shop(credential({ mirroredVersion: 0 }), credential({ mirroredVersion: 6 }))),
    );
    expect(lines[1]).toMatch(/7 \(SSM has none\)$/);
    expect(lines[2]).toMatch(/7 \(SSM has 6\)$/);
  });

  test.each<[State, number]>([
    ['live', 0],
    ['failing', 0],
    ['suspect', 0],
    ['rejected', 1],
    ['expired', 1],
    ['missing', 1],
  ])('%s ends with %d', (state, code) => {
    expect(exitCodeOf(reportOf(shop(credential(), credential({ state }))))).toBe(code);
  });
});

test('results of a refresh, with the error of one', () => {
  const result = { app: 'shop', version: 4, expiresAt: NOW + 2 * 60 * MINUTE } as const;
  expect(
    resultLines(
      [
        { ...result, credential: 'access-token', outcome: 'renewed', reason: 'forced' },
        {
          ...result,
          credential: 'jsapi-ticket',
          outcome: 'failed',
          reason: 'due',
          expiresAt: null,
          error: { code: '-1', message: 'WeChat is busy.' },
        },
      ],
      NOW,
    ),
  ).toEqual([
    'CREDENTIAL         OUTCOME  REASON  VERSION  TIME LEFT',
    'shop/access-token  renewed  forced  4        2 h 0 min',
    'shop/jsapi-ticket  failed   due     4        –',
    '  -1 WeChat is busy.',
  ]);
});

test('reader keys by name and status, without the keys themselves', () => {
  const createdAt = NOW - 60 * MINUTE;
  expect(
    keyLines(
      [
        { name: 'web', apps: ['shop', 'crm'], createdAt, expiresAt: NOW + 48 * 60 * MINUTE },
        { name: 'old', apps: 'all', createdAt, expiresAt: NOW - MINUTE },
        { name: 'lost', apps: 'all', createdAt, revokedAt: NOW },
      ],
      NOW,
    ),
  ).toEqual([
    'NAME  STATUS   APPS      CREATED        EXPIRES',
    'web   valid    shop,crm  1 h 0 min ago  in 2 d 0 h',
    'old   expired  all       1 h 0 min ago  1 min 0 s ago',
    'lost  revoked  all       1 h 0 min ago  never',
  ]);
});

describe('doctor', () => {
  const diagnosis = (changes: Partial<Diagnosis> = {}): Diagnosis => ({
    app: 'shop',
    now: NOW,
    secret: 'present',
    throughProxy: false,
    hosts: [
      {
        host: 'https://api.weixin.qq.com',
        reachable: true,
        latencyMs: 45.4,
        clockSkewMs: -120,
        problem: null,
      },
    ],
    tokenCalls: { ours: 15, wechat: { used: 15, limit: 2000 }, problem: null },
    lastRefusal: null,
    ...changes,
  });
  const lines = (changes: Partial<Diagnosis> = {}) =>
    diagnosisChecks(diagnosis(changes)).map(
      ({ level, subject, finding }) => `${level} ${subject}: ${finding}`,
    );

  test('all is well', () => {
    expect(lines()).toEqual([
      'ok shop AppSecret: is there',
      'ok shop https://api.weixin.qq.com: is reached from the function in 45 ms',
      'ok shop token calls today: WeChat counts 15 of 2000, 15 of them ours',
    ]);
  });

  test.each([
    [
      { secret: 'missing' },
      'problem shop AppSecret: is missing; run `wechat-token-refresher secret set shop`',
    ],
    [
      { secret: 'unreadable' },
      'problem shop AppSecret: cannot be read by the function; is it encrypted with a key that the',
    ],
    [
      {
        throughProxy: true,
        hosts: [
          {
            host: 'https://api.weixin.qq.com',
            reachable: false,
            latencyMs: null,
            clockSkewMs: null,
            problem: 'ECONNREFUSED',
          },
        ],
      },
      'problem shop https://api.weixin.qq.com: is not reached through the proxy from the function: ECONNREFUSED',
    ],
    [
      {
        hosts: [
          {
            host: 'https://api.weixin.qq.com',
            reachable: true,
            latencyMs: 9,
            clockSkewMs: 95_000,
            problem: null,
          },
        ],
      },
      "warning shop clock: is 1 min 35 s ahead of WeChat's; set it by NTP",
    ],
    [
      { tokenCalls: { ours: 15, wechat: { used: 21, limit: 2000 }, problem: null } },
      'warning shop token calls today: WeChat counts 21 of 2000, 15 of them ours: another client fetches this token, and each fetch invalidates ours.',
    ],
    [
      { tokenCalls: { ours: 15, wechat: null, problem: 'there is no live token.' } },
      "warning shop token calls today: 15 of ours; WeChat's own count is unknown: there is no live token.",
    ],
    [
      {
        tokenCalls: {
          ours: 15,
          wechat: null,
          problem: 'WeChat says 0, which is below our own count and so is no count.',
        },
      },
      "warning shop token calls today: 15 of ours; WeChat's own count is unknown: WeChat says 0, which is below our own count",
    ],
    [
      { tokenCalls: { ours: 2000, wechat: { used: 2000, limit: 2000 }, problem: null } },
      'warning shop token calls today: WeChat counts 2000 of 2000, 2000 of them ours: the calls of the day are used up; `wechat-token-refresher quota clear shop` sets',
    ],
    [
      { tokenCalls: { ours: 15, wechat: { used: 2000, limit: 2000 }, problem: null } },
      'warning shop token calls today: WeChat counts 2000 of 2000, 15 of them ours: another client fetches this token, and each fetch invalidates ours. Find the program that has the AppSecret (https://github.com/wechat-token-refresher/wechat-token-refresher/blob/main/docs/runbook.md#unexpected-rotation). Besides, the calls of the day are used up; `wechat-token-refresher quota clear shop` sets',
    ],
    [
      { lastRefusal: { clientIp: '203.0.113.7', at: NOW - 2 * MINUTE, costMs: 30 } },
      'warning shop last refused request: came from 203.0.113.7, as WeChat saw it, 2 min 0 s ago; it took WeChat 30 ms',
    ],
    [
      { lastRefusal: { clientIp: '203.0.113.7', at: null, costMs: null } },
      'warning shop last refused request: came from 203.0.113.7, as WeChat saw it',
    ],
  ] as [Partial<Diagnosis>, string][])('%j', (changes, expected) => {
    expect(
      lines(changes).some((line) => line.startsWith(expected)),
      lines(changes).join('\n'),
    ).toBe(true);
  });

  test('WeCom has no such count, so there is no check', () => {
    expect(lines({ tokenCalls: { ours: 15, wechat: null, problem: null } })).toHaveLength(2);
  });

  test.each<[State, string]>([
    ['live', 'ok'],
    ['failing', 'warning'],
    ['suspect', 'warning'],
    ['rejected', 'problem'],
    ['expired', 'problem'],
    ['missing', 'problem'],
  ])('a credential that is %s is %s', (state, level) => {
    const [check] = statusChecks(shop(credential({ state, lastError: state === 'live' ? null : ip })), NOW);
    expect(check?.level).toBe(level);
    if (state !== 'live') expect(check?.finding).toContain('40164: the IP 203.0.113.7');
  });

  const findingOf = (status: AppStatus) => statusChecks(status, NOW)[0]?.finding;

  test('what readers get of a suspect or rejected credential, and the command that helps', () => {
    const suspect = credential({ state: 'suspect' });
    const rejected = credential({ state: 'rejected' });
    expect(findingOf(shop(suspect))).toMatch(
      /Readers get it for at most a minute .*`wechat-token-refresher refresh shop` checks it now\.$/,
    );
    expect(findingOf(shop(rejected))).toMatch(
      /readers get no value\..*`wechat-token-refresher refresh shop --force`\.$/,
    );
    expect(findingOf(shop({ ...rejected, credential: 'jsapi-ticket' }))).toContain(
      '`wechat-token-refresher refresh shop --credential jsapi-ticket --force`',
    );
  });

  test.each<[string, AppStatus['kind'], string, boolean]>([
    ['is named for a spent quota', 'mini-program', '45009', true],
    ['cannot help WeCom', 'wecom', '45009', false],
    ['cannot help any other error', 'official-account', '45011', false],
  ])('a reset %s', (_name, kind, code, named) => {
    const failing = credential({ state: 'failing', lastError: { ...ip, code } });
    const finding = findingOf({ ...shop(failing), kind });
    expect(finding?.includes('`wechat-token-refresher quota clear shop`')).toBe(named);
  });

  test.each([
    ['198.51.100.9', [], 'ok', /^198\.51\.100\.9; it belongs on the IP allow-list/],
    [undefined, [shop(credential())], 'ok', /^not fixed/],
    [
      undefined,
      [shop(credential({ lastError: ip }))],
      'problem',
      /^WeChat refused 203\.0\.113\.7, which is not on the IP allow-list/,
    ],
  ] as const)('egress by %s', (fixed, apps, level, finding) => {
    expect(egressCheck(fixed, [...apps])).toMatchObject({ level, finding: expect.stringMatching(finding) });
  });
});

describe('an AppSecret', () => {
  test.each(['0123456789abcdef0123456789abcdef', '  0123456789abcdef0123456789abcdef\r\n'])(
    '%j is accepted',
    (text) => {
      expect(asSecret(text)).toBe('0123456789abcdef0123456789abcdef');
    },
  );

  test.each([
    ['', /is empty/],
    [' \n', /is empty/],
    ['two words', /blanks or several lines/],
    ['first\nsecond', /blanks or several lines/],
    ['x'.repeat(257), /more than 256/],
  ])('%j is rejected, and not repeated', (text, expected) => {
    const rejection = (() => {
      try {
        return asSecret(text);
      } catch (error) {
        return error;
      }
    })();
    expect(rejection).toBeInstanceOf(CliError);
    expect(rejection).toMatchObject({ exitCode: 2, message: expect.stringMatching(expected) });
    if (text.trim()) expect(String(rejection)).not.toContain(text.trim());
  });
});

describe('an error is one line for people, and an exit code for scripts', () => {
  const awsError = (name: string, message = 'x') => Object.assign(new Error(message), { name });
  test.each([
    [new CliError('usage', 'wrong option'), 2, /^wrong option$/],
    [awsError('CredentialsProviderError'), 3, /no AWS credentials.*aws configure/],
    [awsError('ExpiredTokenException'), 3, /have expired: log in again/],
    [awsError('Error', 'Region is missing'), 3, /--region or AWS_REGION/],
    [
      awsError('AccessDeniedException', 'User: a is not authorized to perform: lambda:InvokeFunction'),
      3,
      /^AWS refused: .*lambda:InvokeFunction$/,
    ],
    [awsError('ThrottlingException', 'Rate exceeded'), 1, /^Rate exceeded \(ThrottlingException\)$/],
    ['a string', 1, /not an Error/],
  ])('%s', (thrown, exitCode, message) => {
    expect(asCliError(thrown)).toMatchObject({ exitCode, message: expect.stringMatching(message) });
  });

  test.each([
    [
      { errorType: 'InvalidEventError', errorMessage: 'app: no app of this name' },
      2,
      'app: no app of this name',
    ],
    [{ errorType: 'Runtime.OutOfMemory', errorMessage: 'out of memory' }, 1, 'out of memory'],
    [{ errorMessage: 'app: no app of this name' }, 1, 'app: no app of this name'],
    [{}, 1, 'The refresh function failed; its log says why.'],
  ])('the function fails with %j', async (answer, exitCode, message) => {
    const failing = refresherClient(async () => ({ failed: true, payload: JSON.stringify(answer) }));
    await expect(failing.status()).rejects.toMatchObject({ exitCode, message });
  });

  test('a function of an older version', async () => {
    const old = refresherClient(async () => ({ failed: false, payload: '{"results":[]}' }));
    await expect(old.status('shop')).rejects.toMatchObject({
      message: expect.stringMatching(/deploy again/),
    });
  });
});
