import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLIENTS } from '../../test/support/install-clients.ts';
import type { PeerSettings } from './sdks.ts';

const { dependencies } = JSON.parse(readFileSync(join(CLIENTS, 'package.json'), 'utf8'));

/** The SDK with its version, and how it keeps its token. */
export function titleOf(sdk: PeerSettings['sdk'], keeping: string): string {
  return `${sdk} ${dependencies[sdk]}, ${keeping}`;
}
