import { setTimeout as sleep } from 'node:timers/promises';

/** What EventBridge Scheduler sends; see infra/constructs/refresher.ts. */
const TICK = { source: 'aws.scheduler', 'detail-type': 'Scheduled Event' };

/** Ticks at once and then every `tickMs` after the last one has ended. `stop` waits for the one under way. */
export function startTicking(
  tickMs: number,
  run: (event: unknown) => Promise<void>,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await run(TICK);
      await sleep(tickMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await loop;
    },
  };
}
