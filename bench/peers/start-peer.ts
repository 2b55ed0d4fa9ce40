import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CallOrder, CallOutcome, CallReport } from './peer-process.ts';
import type { PeerSettings } from './sdks.ts';

export type Peer = {
  /** Moves the peer's clock to that instant (epoch ms), and lets its SDK make a protected call; any number at a time. */
  call(atMs: number): Promise<CallOutcome>;
  stop(): void;
};

/** An unmodified SDK in a process of its own, on a clock that stands at the last call's instant. */
export async function startPeer(settings: PeerSettings, atMs: number): Promise<Peer> {
  const script = fileURLToPath(new URL('./peer-process.ts', import.meta.url));
  const env = { PATH: process.env['PATH'], SETTINGS: JSON.stringify({ ...settings, atMs }) };
  const child = fork(script, { env, execArgv: ['--no-deprecation'] });
  const waiting = new Map<number, PromiseWithResolvers<CallOutcome>>();
  const ended = once(child, 'exit').then(() => {
    const error = new Error(`the process of ${settings.sdk} ended by itself`);
    for (const { reject } of waiting.values()) reject(error);
    throw error;
  });
  // A peer that is stopped when nobody waits has not failed.
  ended.catch(() => undefined);
  await Promise.race([once(child, 'message'), ended]);
  child.on('message', ({ id, outcome }: CallReport) => {
    waiting.get(id)?.resolve(outcome);
    waiting.delete(id);
  });
  let calls = 0;
  return {
    call(at) {
      const answer = Promise.withResolvers<CallOutcome>();
      const order: CallOrder = { id: calls++, atMs: at };
      waiting.set(order.id, answer);
      child.send(order);
      return answer.promise;
    },
    stop: () => void child.kill(),
  };
}
