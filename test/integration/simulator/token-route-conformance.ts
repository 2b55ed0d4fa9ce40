import { afterAll, beforeAll, describe } from 'vitest';
import type { ConformanceServer, ConformanceTarget } from './conformance-target.ts';
import { officialAccountConformance } from './official-account-conformance.ts';
import { wecomConformance } from './wecom-conformance.ts';

export type { ConformanceTarget } from './conformance-target.ts';

/**
 * What an unmodified SDK relies on, whether it talks to WeChat or to somebody who serves WeChat's shapes.
 * Says nothing of rotation, which only the real thing does.
 */
export function tokenRouteConformance(target: ConformanceTarget): void {
  describe(`${target.name} speaks WeChat's token routes`, () => {
    let server: ConformanceServer;
    beforeAll(async () => {
      server = await target.start();
    });
    afterAll(() => server.stop());

    officialAccountConformance(target, () => server);
    wecomConformance(target, () => server);
  });
}
