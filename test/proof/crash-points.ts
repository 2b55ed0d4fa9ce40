import { MemoryWorld } from '../../bench/harness/memory-world.ts';
import { refresh } from '../../functions/core/refresh.ts';
import { apps as allApps, MINUTE_MS, START, schedule } from './configuration.ts';
import { type CallFault, CrashProcess, callFaults } from './crash-process.ts';
import type { CrashScenario } from './crash-scenarios.ts';
import { grantsOf, Readers } from './observe.ts';

/**
 * Every call that leaves the core in a scenario, and for each: a crash before it, a crash after it, its answer lost. The calls
 * are counted by running the scenario without a fault, so none is left out.
 */

const HEALING_TICKS = 2;
const QUIET_TICKS = 8;

export type CrashPointsResult = {
  readonly scenario: string;
  /** Calls of the run that gets the fault, counted without one. */
  readonly calls: number;
  readonly points: number;
  /** Each with the point at which the fault was. */
  readonly violations: readonly string[];
};

export async function tryEveryCrashPoint(scenario: CrashScenario): Promise<CrashPointsResult> {
  const faultFree = await CrashRun.of(scenario, 'crash before', 0);
  const calls = faultFree.calls.length;
  const violations = [...faultFree.violations];
  for (const fault of callFaults) {
    for (let at = 1; at <= calls; at++) {
      const run = await CrashRun.of(scenario, fault, at);
      const where = `${scenario.name}: ${fault} call ${at}, ${run.calls[at - 1]}`;
      if (run.calls.length < at) violations.push(`${where}: the run did not reach it`);
      violations.push(...run.violations.map((violation) => `${where}: ${violation}`));
      // A fault may cost the calls whose answers it took away, and no other.
      const allowed = faultFree.grants + run.lostGrants;
      if (run.grants > allowed) violations.push(`${where}: ${run.grants} grants instead of ${allowed}`);
    }
  }
  return { scenario: scenario.name, calls, points: calls * callFaults.length, violations };
}

/** One scenario with one fault, and the ticks after it. */
class CrashRun {
  readonly violations: string[] = [];
  readonly #scenario: CrashScenario;
  readonly #world = new MemoryWorld(allApps, START);
  readonly #readers = new Readers(this.#world);
  readonly #versions = new Map<string, number>();
  /** Invalid values that were served before the run, because the refresher could not know; two ticks have to find out. */
  readonly #invalidAtStart = new Set<string>();
  #process: CrashProcess | undefined;

  private constructor(scenario: CrashScenario) {
    this.#scenario = scenario;
  }

  static async of(scenario: CrashScenario, fault: CallFault, at: number): Promise<CrashRun> {
    const run = new CrashRun(scenario);
    await run.#play(fault, at);
    return run;
  }

  get calls(): readonly string[] {
    return this.#process?.calls ?? [];
  }

  get lostGrants(): number {
    return this.#process?.lostGrants ?? 0;
  }

  /** Tokens and tickets that WeChat has granted, unchanged ones included. */
  get grants(): number {
    return [...grantsOf(this.#world.wechat).values()].reduce((sum, count) => sum + count, 0);
  }

  async #play(fault: CallFault, at: number): Promise<void> {
    const { clock } = this.#world;
    const { minute, arrange, repair, apps = allApps, request } = this.#scenario;
    if (minute > 0) await refresh(allApps, {}, schedule, this.#world.ports());
    clock.set(START + minute * MINUTE_MS);
    arrange?.(this.#world);
    const startedAt = clock.now();
    for (const value of (await this.#readers.served()).values()) {
      if (!this.#world.wechat.isTokenValid(value)) this.#invalidAtStart.add(value);
    }

    const refreshRequest = request?.(this.#world) ?? { mayWait: true };
    this.#process = new CrashProcess(this.#world.ports(), fault, at);
    await this.#process.run((ports) => refresh(apps, refreshRequest, schedule, ports));
    await this.#checkAlways('after the run');
    repair?.(this.#world);

    for (let tick = 1; tick <= HEALING_TICKS + QUIET_TICKS; tick++) {
      const tickAt = Math.max(clock.now(), startedAt + tick * MINUTE_MS);
      for (const second of [1, 15, 30, 45, 59]) {
        clock.set(Math.max(clock.now(), tickAt - MINUTE_MS + second * 1000));
        await this.#checkAlways(`before tick ${tick}`);
      }
      clock.set(tickAt);
      const results = await refresh(allApps, { mayWait: true }, schedule, this.#world.ports());
      if (tick === HEALING_TICKS) this.#invalidAtStart.clear();
      await this.#checkAlways(`tick ${tick}`);
      if (tick < HEALING_TICKS) continue;
      this.violations.push(...this.#readers.defects().map((defect) => `tick ${tick}: ${defect}`));
      for (const { app, credential, outcome, error } of results) {
        if (error) this.violations.push(`tick ${tick}: ${app}/${credential} ${outcome}: ${error.code}`);
      }
    }
  }

  async #checkAlways(when: string): Promise<void> {
    const { wechat, records, clock } = this.#world;
    for (const value of (await this.#readers.served()).values()) {
      const allowed = wechat.isTokenValid(value) || this.#invalidAtStart.has(value);
      if (!allowed) this.violations.push(`${when}: an invalid value is served`);
    }
    for (const [id, { version, leaseUntil }] of records) {
      if (version < (this.#versions.get(id) ?? 0))
        this.violations.push(`${when}: ${id} has an older version`);
      this.#versions.set(id, version);
      if (leaseUntil - clock.now() > schedule.timing.leaseMs)
        this.violations.push(`${when}: the lease of ${id} is too long`);
    }
  }
}
