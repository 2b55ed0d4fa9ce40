declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** @param options.path a LevelDB folder; without it the tables are in memory */
  export default function dynalite(options?: { path?: string; createTableMs?: number }): Server;
}
