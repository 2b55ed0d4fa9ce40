import type { App } from '../../../functions/core/credential.ts';
import { SourceError } from '../../../functions/core/errors.ts';
import type { Ports } from '../../../functions/core/ports.ts';
import { type RefreshRequest, refresh } from '../../../functions/core/refresh.ts';
import { timingOf } from '../../../functions/core/rules/timing.ts';
import { type CallName, instrumented } from '../../support/instrumented-ports.ts';
import { MemoryWorld } from '../../support/memory-ports.ts';
import { type Accident, CrashProcess } from '../crash-process.ts';
import { apps } from '../stories.ts';
import { History } from './history.ts';

export const MINUTE = 60_000;
export const schedule = { refreshAfterMs: 100 * MINUTE, probeMs: 5 * MINUTE, timing: timingOf(MINUTE) };

/** How AWS is; `throttled` lets every other call through, `deaf` carries out and loses the answer. */
export type FaultMode = 'fair' | 'down' | 'throttled' | 'deaf';

/** One run of the function. */
export type Run = {
  /** Which refresher, for each has a clock of its own. */
  readonly refresher: number;
  readonly apps: readonly App[];
  readonly request: RefreshRequest;
};

/** Runs at once. */
export type Invocation = {
  readonly runs: readonly Run[];
  /** The first of them dies, or loses an answer, at this call. */
  readonly accident?: { readonly kind: Accident; readonly at: number } | undefined;
  /** Turns of the event loop before each call, in turns, so that concurrent runs meet in any order. */
  readonly pauses: readonly number[];
};

/** The system under test, with all that may happen to it. */
export class Deployment {
  readonly world = new MemoryWorld(apps, Date.UTC(2026, 0, 1));
  readonly history = new History();
  readonly clockSkewsMs = [0, 0, 0];
  table: FaultMode = 'fair';
  parameterStore: FaultMode = 'fair';
  /** How long WeChat takes to answer; it does at once what it is asked. */
  latencyMs = 0;
  #throttle = 0;
  #calls = 0;

  get now(): number {
    return this.world.clock.now();
  }

  async invoke({ runs, accident, pauses }: Invocation): Promise<void> {
    await Promise.all(
      runs.map(({ refresher, apps, request }, index) => {
        const at = (index === 0 ? accident?.at : undefined) ?? 0;
        const process_ = new CrashProcess(
          this.#ports(refresher, pauses),
          accident?.kind ?? 'dies before',
          at,
        );
        return process_.run((ports) => refresh(apps, request, schedule, ports));
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
    return instrumented(this.history.noting(skewed), async (name, _about, call) => {
      this.#calls++;
      for (let turns = pauses[this.#calls % pauses.length] ?? 0; turns > 0; turns--) await undefined;
      return this.#weathered(name, call);
    });
  }

  async #weathered<T>(name: CallName, call: () => Promise<T>): Promise<T> {
    if (name === 'source.fetch') {
      const answer = await call();
      this.world.clock.advance(this.latencyMs);
      return answer;
    }
    const faultMode = name.startsWith('store.') ? this.table : this.parameterStore;
    if (faultMode === 'fair' || name === 'source.accepts' || name === 'notices.send') return call();
    if (faultMode === 'deaf' || (faultMode === 'throttled' && ++this.#throttle % 2 === 0)) {
      const answer = await call();
      if (faultMode === 'throttled') return answer;
    }
    throw name.startsWith('secrets.')
      ? new SourceError('no answer', { code: 'secret-unreadable', kind: 'transient' })
      : new Error('no answer');
  }
}
