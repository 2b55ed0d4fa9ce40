import { createHash } from 'node:crypto';

/** Numbers in [0, 1) that look drawn and are the same in each run. */
export function chance(seed: string): () => number {
  let drawn = 0;
  return () => createHash('sha256').update(`${seed} ${drawn++}`).digest().readUInt32BE() / 2 ** 32;
}
