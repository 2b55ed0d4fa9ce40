import type { MemoryWorld } from '../../bench/harness/memory-world.ts';
import type { App, CredentialRecord } from '../../functions/core/credential.ts';
import { fingerprintOf } from '../../functions/core/credential.ts';
import type { RefreshRequest } from '../../functions/core/refresh.ts';
import { crm, mini } from '../support/apps.ts';
import { MINUTE_MS, official } from './configuration.ts';

/** A run of the refresher that is repeated with a fault at each of its calls. */
export type CrashScenario = {
  readonly name: string;
  /** Since all credentials were fetched; 0: never. */
  readonly minute: number;
  /** The apps to refresh; by default all. */
  readonly apps?: readonly App[];
  /** By default a scheduled tick. */
  readonly request?: (world: MemoryWorld) => RefreshRequest;
  /** Prepares the world before the run. */
  readonly arrange?: (world: MemoryWorld) => void;
  /** Done by operators or WeChat after the run. */
  readonly repair?: (world: MemoryWorld) => void;
};

const newSecret = 'a-new-secret';

function resetSecret(world: MemoryWorld): void {
  world.wechat.setSecret(official.appId, newSecret);
  world.clock.advance(70 * MINUTE_MS);
}

function writeSecret(world: MemoryWorld): void {
  world.secrets.set('shop', { value: newSecret, revision: '2' });
}

function changeRecords(world: MemoryWorld, change: Partial<CredentialRecord>): void {
  for (const [id, record] of world.records) world.records.set(id, { ...record, ...change });
}

/** The first rotation leaves the previous token valid for five minutes, the second one invalidates it. */
function rotateTwice(world: MemoryWorld): void {
  world.wechat.rotate(official.appId);
  world.wechat.rotate(official.appId);
}

export const crashScenarios: readonly CrashScenario[] = [
  { name: 'the first fetch of all credentials', minute: 0 },
  { name: 'only a probe is due', minute: 30 },
  { name: 'a classic token is due', minute: 100 },
  { name: 'a stable token has a successor', minute: 116 },
  { name: 'tickets and the WeCom token expire', minute: 119.5 },
  { name: 'everything has expired', minute: 130 },
  {
    name: 'a forced refresh of a classic token',
    minute: 30,
    apps: [official],
    request: () => ({ force: true }),
  },
  { name: 'a forced refresh of a stable token', minute: 30, apps: [mini], request: () => ({ force: true }) },
  {
    name: 'an app reports an invalid token',
    minute: 30,
    apps: [official],
    arrange: rotateTwice,
    request: ({ records }) => ({
      rejected: fingerprintOf(records.get('shop/access-token')?.current?.value ?? ''),
    }),
  },
  {
    name: 'an app reports a valid token',
    minute: 30,
    apps: [official],
    request: ({ records }) => ({
      rejected: fingerprintOf(records.get('shop/access-token')?.current?.value ?? ''),
    }),
  },
  { name: 'a probe finds that the token is invalid', minute: 30, arrange: rotateTwice },
  {
    name: 'WeCom has invalidated its token',
    minute: 30,
    arrange: ({ wechat }) => wechat.invalidateWecomToken(crm.corpId, crm.agentId),
  },
  {
    name: 'a ticket is due, its token is invalid',
    minute: 120.1,
    apps: [official],
    arrange: (world) => {
      const token = world.records.get('shop/access-token');
      const latest = world.wechat.rotate(official.appId);
      rotateTwice(world);
      // By the table's account renewed just now; another client has invalidated it since.
      if (!token?.current) throw new Error('the scenario needs a token');
      const current = {
        ...token.current,
        value: latest,
        fingerprint: fingerprintOf(latest),
        issuedAt: world.clock.now(),
        expiresAt: world.clock.now() + 7_200_000,
        confirmedAt: world.clock.now(),
      };
      world.records.set(token.id, { ...token, current });
      world.parameters.set(token.id, latest);
    },
  },
  {
    name: 'the mirror is behind the table',
    minute: 30,
    arrange: (world) => {
      changeRecords(world, { mirroredVersion: 0 });
      world.parameters.clear();
    },
  },
  {
    name: 'the classic quota is used up',
    minute: 100,
    apps: [official],
    arrange: ({ wechat }) => wechat.burnDailyQuota(official.appId),
  },
  {
    name: 'our IP is blocked, then allowed',
    minute: 100,
    apps: [official],
    arrange: ({ wechat }) => wechat.setAllowedIps(official.appId, ['198.51.100.1']),
    repair: ({ wechat }) => wechat.setAllowedIps(official.appId, undefined),
  },
  {
    name: 'AppSecret reset, written after the run',
    minute: 30,
    apps: [official],
    arrange: resetSecret,
    repair: writeSecret,
  },
  {
    name: 'AppSecret reset, written before the run',
    minute: 30,
    apps: [official],
    arrange: (world) => {
      resetSecret(world);
      writeSecret(world);
    },
  },
  {
    name: 'WeChat is busy for one call',
    minute: 100,
    arrange: ({ wechat }) =>
      wechat.addFault({ kind: 'errcode', errcode: -1, errmsg: 'system error', count: 1 }),
  },
  {
    name: 'WeChat is unreachable',
    minute: 100,
    arrange: ({ wechat }) => wechat.addFault({ kind: 'outage' }),
    repair: ({ wechat }) => wechat.clearFaults(),
  },
];
