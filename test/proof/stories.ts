import type { App, CredentialRecord } from '../../functions/core/credential.ts';
import { fingerprintOf } from '../../functions/core/credential.ts';
import type { RefreshRequest } from '../../functions/core/refresh.ts';
import { crm, mini, shop } from '../support/apps.ts';
import type { MemoryWorld } from '../support/memory-ports.ts';

/** Every kind of credential. */
const official = { ...shop, tickets: ['jsapi', 'wx_card'] } as const;
export const apps: readonly App[] = [official, mini, crm];

/** A run of the refresher at some minute of the credentials' life, in circumstances. */
export type Story = {
  readonly name: string;
  /** Since all credentials were fetched; 0: never. */
  readonly minute: number;
  /** Of which apps; by default all. */
  readonly apps?: readonly App[];
  /** A scheduled tick, unless it says something else. */
  readonly request?: (world: MemoryWorld) => RefreshRequest;
  readonly arrange?: (world: MemoryWorld) => void;
  /** What ops or WeChat do after the run. */
  readonly repair?: (world: MemoryWorld) => void;
};

const newSecret = 'a-new-secret';

function resetSecret(world: MemoryWorld): void {
  world.wechat.setSecret(official.appId, newSecret);
  world.clock.advance(70 * 60_000);
}

function writeSecret(world: MemoryWorld): void {
  world.secrets.set('shop', { value: newSecret, revision: '2' });
}

function changeRecords(world: MemoryWorld, change: Partial<CredentialRecord>): void {
  for (const [id, record] of world.records) world.records.set(id, { ...record, ...change });
}

function rotateTwice(world: MemoryWorld): void {
  world.wechat.rotate(official.appId);
  world.wechat.rotate(official.appId);
}

export const stories: readonly Story[] = [
  { name: 'the first fetch of all', minute: 0 },
  { name: 'nothing to do but a probe', minute: 30 },
  { name: 'a classic token that is due', minute: 100 },
  { name: 'a stable token that has a successor', minute: 116 },
  { name: 'the end of tickets and of the WeCom token within the tick', minute: 119.5 },
  { name: 'everything past its end', minute: 130 },
  {
    name: 'a forced refresh of a classic token',
    minute: 30,
    apps: [official],
    request: () => ({ force: true }),
  },
  { name: 'a forced refresh of a stable token', minute: 30, apps: [mini], request: () => ({ force: true }) },
  {
    name: 'an app reports its token dead, and it is',
    minute: 30,
    apps: [official],
    arrange: rotateTwice,
    request: ({ records }) => ({
      rejected: fingerprintOf(records.get('shop/access-token')?.current?.value ?? ''),
    }),
  },
  {
    name: 'an app reports its token dead, and it is not',
    minute: 30,
    apps: [official],
    request: ({ records }) => ({
      rejected: fingerprintOf(records.get('shop/access-token')?.current?.value ?? ''),
    }),
  },
  { name: 'a probe finds the token dead', minute: 30, arrange: rotateTwice },
  {
    name: 'WeCom has invalidated its token',
    minute: 30,
    arrange: ({ wechat }) => wechat.invalidateWecomToken(crm.corpId, crm.agentId),
  },
  {
    name: 'a ticket is due, and the token for it is dead',
    minute: 120.1,
    apps: [official],
    arrange: (world) => {
      const token = world.records.get('shop/access-token');
      const live = world.wechat.rotate(official.appId);
      rotateTwice(world);
      // Renewed some minutes ago, as far as the table knows, and rotated away by somebody since.
      if (!token?.current) throw new Error('the story needs a token');
      const current = {
        ...token.current,
        value: live,
        fingerprint: fingerprintOf(live),
        issuedAt: world.clock.now(),
        expiresAt: world.clock.now() + 7_200_000,
        confirmedAt: world.clock.now(),
      };
      world.records.set(token.id, { ...token, current });
      world.parameters.set(token.id, live);
    },
  },
  {
    name: 'a mirror that is behind',
    minute: 30,
    arrange: (world) => {
      changeRecords(world, { mirroredVersion: 0 });
      world.parameters.clear();
    },
  },
  {
    name: 'a classic quota that is spent',
    minute: 100,
    apps: [official],
    arrange: ({ wechat }) => wechat.burnDailyQuota(official.appId),
  },
  {
    name: 'a refused IP, and ops allow it',
    minute: 100,
    apps: [official],
    arrange: ({ wechat }) => wechat.setAllowedIps(official.appId, ['198.51.100.1']),
    repair: ({ wechat }) => wechat.setAllowedIps(official.appId, undefined),
  },
  {
    name: 'an AppSecret that was reset, and ops write the new one',
    minute: 30,
    apps: [official],
    arrange: resetSecret,
    repair: writeSecret,
  },
  {
    name: 'an AppSecret that was reset, and ops have written the new one',
    minute: 30,
    apps: [official],
    arrange: (world) => {
      resetSecret(world);
      writeSecret(world);
    },
  },
  {
    name: 'WeChat is busy for a moment',
    minute: 100,
    arrange: ({ wechat }) =>
      wechat.addFault({ kind: 'errcode', errcode: -1, errmsg: 'system error', count: 1 }),
  },
  {
    name: 'WeChat is out of reach',
    minute: 100,
    arrange: ({ wechat }) => wechat.addFault({ kind: 'outage' }),
    repair: ({ wechat }) => wechat.clearFaults(),
  },
];
