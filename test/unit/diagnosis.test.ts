import { describe, expect, test } from 'vitest';
import {
  type App,
  blankRecord,
  type CredentialRecord,
  type IssuedValue,
} from '../../functions/core/credential.ts';
import { SourceError } from '../../functions/core/errors.ts';
import type { Diagnostics, SecretStore } from '../../functions/core/ports.ts';
import { diagnose } from '../../functions/core/reporting/diagnosis.ts';
import { crm, shop } from '../support/apps.ts';

/** 08:00 in Beijing. */
const NOW = Date.UTC(2026, 5, 1);
const MINUTE = 60_000;

const token: IssuedValue = {
  value: 'the-token',
  fingerprint: 'f',
  account: 'wx1',
  issuedAt: NOW - 100 * MINUTE,
  expiresAt: NOW + 20 * MINUTE,
  renewedAt: NOW - 100 * MINUTE,
  confirmedAt: NOW,
};
/** A token that is valid for 20 more minutes, after 15 calls today. */
const healthy: CredentialRecord = {
  ...blankRecord('shop/access-token'),
  version: 15,
  current: token,
  requestedAt: NOW - 100 * MINUTE,
  requestsToday: 15,
};

/** Its last attempt was refused in a request with this id. */
function refused(record: CredentialRecord, rid: string, at = NOW): CredentialRecord {
  const failure = {
    count: 1,
    kind: 'configuration',
    code: '40164',
    message: '',
    at,
    attemptFingerprint: '',
    rid,
  } as const;
  return { ...record, failure };
}

const refusal = (code: string) =>
  new SourceError(`WeChat refused app 'shop' with ${code}.`, { code, kind: 'configuration' });

type Calls = { counted: number; explained: string[] };

async function diagnosisOf(
  app: App,
  records: readonly CredentialRecord[],
  answers: Partial<Pick<Diagnostics, 'tokenCalls' | 'explain'>> = {},
  readSecret: SecretStore['reread'] = async () => ({ value: 'the-secret', revision: '1' }),
) {
  const calls: Calls = { counted: 0, explained: [] };
  const diagnostics: Diagnostics = {
    reach: async () => ({ throughProxy: false, hosts: [] }),
    tokenCalls: async (...request) => {
      calls.counted++;
      return (answers.tokenCalls ?? (async () => ({ used: 15, limit: 2_000 })))(...request);
    },
    explain: async (...request) => {
      calls.explained.push(`${request[1]} ${request[2]}`);
      const answer = { clientIp: '203.0.113.7', at: NOW - 1_000, costMs: 30 };
      return (answers.explain ?? (async () => answer))(...request);
    },
    clearQuota: () => Promise.reject(new Error('a diagnosis changes nothing')),
  };
  const diagnosis = await diagnose(app, NOW, {
    store: {
      read: async (ids) =>
        new Map(records.filter(({ id }) => ids.includes(id)).map((record) => [record.id, record])),
    },
    secrets: { read: readSecret, reread: readSecret, whereToPut: () => '' },
    diagnostics,
  });
  expect(JSON.stringify(diagnosis)).not.toMatch(/the-token|the-secret/);
  return { diagnosis, calls };
}

describe("WeChat's own count", () => {
  test.each([15, 16, 400])('%i of our 15 is shown', async (used) => {
    const tokenCalls = async () => ({ used, limit: 2_000 });
    const { diagnosis } = await diagnosisOf(shop, [healthy], { tokenCalls });
    expect(diagnosis.tokenCalls).toEqual({ ours: 15, wechat: { used, limit: 2_000 }, problem: null });
  });

  test.each([0, 14])('%i, which is below our own, is no count', async (used) => {
    const tokenCalls = async () => ({ used, limit: 10_000 });
    const { diagnosis } = await diagnosisOf(shop, [healthy], { tokenCalls });
    expect(diagnosis.tokenCalls).toEqual({
      ours: 15,
      wechat: null,
      problem: `WeChat says ${used}, which is below our own count and so is no count.`,
    });
  });

  test('at 0 is one, while we have made no call today', async () => {
    const yesterday = { ...healthy, requestedAt: NOW - 9 * 60 * MINUTE };
    const tokenCalls = async () => ({ used: 0, limit: 2_000 });
    const { diagnosis } = await diagnosisOf(shop, [yesterday], { tokenCalls });
    expect(diagnosis.tokenCalls).toEqual({ ours: 0, wechat: { used: 0, limit: 2_000 }, problem: null });
  });

  test('that WeChat refuses is a problem, in its words', async () => {
    const tokenCalls = () => Promise.reject(refusal('76022'));
    const { diagnosis } = await diagnosisOf(shop, [healthy], { tokenCalls });
    expect(diagnosis.tokenCalls).toMatchObject({
      wechat: null,
      problem: "WeChat refused app 'shop' with 76022.",
    });
  });

  test('needs a valid token', async () => {
    const expired = { ...healthy, current: { ...token, expiresAt: NOW } };
    for (const records of [[expired], []]) {
      const { diagnosis, calls } = await diagnosisOf(shop, records);
      expect(diagnosis.tokenCalls).toMatchObject({
        wechat: null,
        problem: expect.stringContaining('a valid token only'),
      });
      expect(calls.counted).toBe(0);
    }
  });

  test('is not to be had of WeCom', async () => {
    const { diagnosis, calls } = await diagnosisOf(crm, []);
    expect(diagnosis.tokenCalls).toEqual({ ours: 0, wechat: null, problem: null });
    expect(calls.counted).toBe(0);
  });
});

describe('the last refusal', () => {
  const ticket = blankRecord('shop/jsapi-ticket');

  test("is explained by its rid, with the app's token", async () => {
    const { diagnosis, calls } = await diagnosisOf(shop, [refused(healthy, '1-2-3')]);
    expect(diagnosis.lastRefusal).toEqual({ clientIp: '203.0.113.7', at: NOW - 1_000, costMs: 30 });
    expect(calls.explained).toEqual(['the-token 1-2-3']);
  });

  test('is the newest of all its credentials', async () => {
    const records = [refused(healthy, '1-1-1', NOW - MINUTE), refused(ticket, '2-2-2', NOW)];
    expect((await diagnosisOf(shop, records)).calls.explained).toEqual(['the-token 2-2-2']);
    expect((await diagnosisOf(shop, [...records].reverse())).calls.explained).toEqual(['the-token 2-2-2']);
  });

  test.each<[string, App, CredentialRecord[]]>([
    ['nothing failed', shop, [healthy]],
    ['there is no valid token', shop, [refused(ticket, '1-2-3')]],
    ['WeCom has no such ids', crm, [refused({ ...healthy, id: 'crm/access-token' }, '1-2-3')]],
  ])('is not asked for: %s', async (_name, app, records) => {
    const { diagnosis, calls } = await diagnosisOf(app, records);
    expect(diagnosis.lastRefusal).toBeNull();
    expect(calls.explained).toEqual([]);
  });

  test('that WeChat does not explain is null, not an error', async () => {
    const explain = () => Promise.reject(refusal('76001'));
    const { diagnosis } = await diagnosisOf(shop, [refused(healthy, '1-2-3')], { explain });
    expect(diagnosis.lastRefusal).toBeNull();
  });
});

test.each<[string, SecretStore['reread']]>([
  ['missing', async () => undefined],
  ['unreadable', () => Promise.reject(new Error('AccessDenied'))],
])('a secret that is %s', async (secret, read) => {
  const { diagnosis } = await diagnosisOf(shop, [healthy], {}, read);
  expect(diagnosis.secret).toBe(secret);
});

test('a fault of our own is not taken for a finding', async () => {
  const broken = (): Promise<never> => Promise.reject(new TypeError('a bug'));
  await expect(diagnosisOf(shop, [healthy], { tokenCalls: broken })).rejects.toThrow(TypeError);
  await expect(diagnosisOf(shop, [refused(healthy, '1-2-3')], { explain: broken })).rejects.toThrow(
    TypeError,
  );
});
