import { type CallName, instrumented } from '../../../bench/harness/instrumented-ports.ts';
import { MemoryWorld } from '../../../bench/harness/memory-world.ts';
import type { App } from '../../../functions/core/credential.ts';
import { SourceError } from '../../../functions/core/errors.ts';
import type { Ports } from '../../../functions/core/ports.ts';
import { type RefreshRequest, refresh } from '../../../functions/core/refresh.ts';
import { apps, START, schedule } from '../configuration.ts';
import { type CallFault, CrashProcess } from '../crash-process.ts';
import { History } from './history.ts';

/** A fault of AWS. `throttled` rejects every other call; `answer-lost` carries calls out and loses their answers. */
export type FaultMode = 'none' | 'down' | 'throttled' | 'answer-lost';

/** One run of the function. */
export type Run = {
  /** Index of the refresher; each has a clock of its own. */
  readonly refresher: number;
  readonly apps: readonly App[];
  readonly request: RefreshRequest;
};

/** Concurrent runs. */
export type Invocation = {
  readonly runs: readonly Run[];
  /** In the first run, at its `at`-th call. */
  readonly fault?: { readonly kind: CallFault; readonly at: number } | undefined;
  /** Event-loop turns before each call, used in rotation, so that concurrent runs interleave in any order. */
  readonly pauses: readonly number[];
};

/** The system under test, and the faults of the services around it. */
export class Deployment {
  readonly world = new MemoryWorld(apps, START);
  readonly history = new History();
  readonly clockSkewsMs = [0, 0, 0];
  tableFault: FaultMode = 'none';
  parameterStoreFault: FaultMode = 'none';
  /** Time until WeChat's answer arrives; WeChat itself acts at once. */
  latencyMs = 0;
  #throttledCalls = 0;
  #calls = 0;

  get now(): number {
    return this.world.clock.now();
  }

  async invoke({ runs, fault, pauses }: Invocation): Promise<void> {
    await Promise.all(
      runs.map(({ refresher, apps, request }, index) => {
        const at = (index === 0 ? fault?.at : undefined) ?? 0;
        const process = new CrashProcess(this.#ports(refresher, pauses), fault?.kind ?? 'crash before', at);
        return process.run((ports) => refresh(apps, request, schedule, ports));
      }),
    );
  }

  #ports(refresher: number, pauses: readonly number[]): Ports {
    const skewMs = this.clockSkewsMs[refresher] ?? 0;
    const ports = this.world.ports();
    const skewed: Ports = {
      ...ports,
      clock: {
        now: () => this.now + skewMs,
        sleepUntil: (instantMs) => ports.clock.sleepUntil(instantMs - skewMs),
      },
    };
    return instrumented(this.history.recording(skewed), async (name, _subject, call) => {
      this.#calls++;
      for (let turns = pauses[this.#calls % pauses.length] ?? 0; turns > 0; turns--) await undefined;
      return this.#withFault(name, call);
    });
  }

  async #withFault<T>(name: CallName, call: () => Promise<T>): Promise<T> {
    if (name === 'source.fetch') {
      const answer = await call();
      this.world.clock.advance(this.latencyMs);
      return answer;
    }
    const mode = name.startsWith('store.') ? this.tableFault : this.parameterStoreFault;
    if (mode === 'none' || name === 'source.accepts' || name === 'notices.send') return call();
    if (mode === 'answer-lost' || (mode === 'throttled' && ++this.#throttledCalls % 2 === 0)) {
      const answer = await call();
      if (mode === 'throttled') return answer;
    }
    throw name.startsWith('secrets.')
      ? new SourceError('no answer', { code: 'secret-unreadable', kind: 'transient' })
      : new Error('no answer');
  }
}
