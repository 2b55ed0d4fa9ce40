import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CallOutcome, CallReport, CallRequest } from './peer-process.ts';
import type { PeerSettings } from './sdks.ts';

/** An app server: an unmodified SDK in a process of its own, whose clock changes with each call only. */
export type Peer = {
  /** Sets the peer's clock to that instant (epoch ms), and lets its SDK make a protected call; any number at a time. */
  call(atMs: number): Promise<CallOutcome>;
  stop(): void;
};

/** @param atMs instant (epoch ms) at which the SDK is loaded */
export async function startPeer(settings: PeerSettings, atMs: number): Promise<Peer> {
  const script = fileURLToPath(new URL('./peer-process.ts', import.meta.url));
  const env = { PATH: process.env['PATH'], SETTINGS: JSON.stringify({ ...settings, atMs }) };
  const child = fork(script, { env, execArgv: ['--no-deprecation'] });
  const waiting = new Map<number, PromiseWithResolvers<CallOutcome>>();
  const ended = once(child, 'exit').then(() => {
    const error = new Error(`the process of ${settings.sdk} ended unexpectedly`);
    for (const { reject } of waiting.values()) reject(error);
    throw error;
  });
  // It also ends when it is stopped, with no call waiting.
  ended.catch(() => undefined);
  await Promise.race([once(child, 'message'), ended]);
  child.on('message', ({ id, outcome }: CallReport) => {
    waiting.get(id)?.resolve(outcome);
    waiting.delete(id);
  });
  let calls = 0;
  return {
    call(atMs) {
      const answer = Promise.withResolvers<CallOutcome>();
      const request: CallRequest = { id: calls++, atMs };
      waiting.set(request.id, answer);
      child.send(request);
      return answer.promise;
    },
    stop: () => void child.kill(),
  };
}
