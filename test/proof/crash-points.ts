import { refresh } from '../../functions/core/refresh.ts';
import { timingOf } from '../../functions/core/rules/timing.ts';
import { MemoryWorld } from '../support/memory-ports.ts';
import { type Accident, accidents, CrashProcess } from './crash-process.ts';
import { grantsOf } from './grants.ts';
import { Readers } from './readers.ts';
import { apps as allApps, type Story } from './stories.ts';

/**
 * Every call that leaves the core in a story, and for each: death before it, death after it, its answer lost. The calls are
 * counted by running the story without an accident, so none is left out.
 */

const MINUTE = 60_000;
const T0 = Date.UTC(2026, 0, 1);
const HEALING_TICKS = 2;
const QUIET_TICKS = 8;
const schedule = { refreshAfterMs: 100 * MINUTE, probeMs: 5 * MINUTE, timing: timingOf(MINUTE) };

export type Tried = {
  readonly story: string;
  /** Calls of the run that has the accident, without one. */
  readonly calls: number;
  readonly points: number;
  /** What should not be, each with the point at which the accident happened. */
  readonly violations: readonly string[];
};

export async function tryEveryPoint(story: Story): Promise<Tried> {
  const undisturbed = await StoryRun.of(story, 'dies before', 0);
  const calls = undisturbed.calls.length;
  const violations = [...undisturbed.violations];
  for (const accident of accidents) {
    for (let at = 1; at <= calls; at++) {
      const scenario = await StoryRun.of(story, accident, at);
      const where = `${story.name}: ${accident} call ${at}, ${scenario.calls[at - 1]}`;
      if (scenario.calls.length < at) violations.push(`${where}: the run never came to it`);
      violations.push(...scenario.violations.map((violation) => `${where}: ${violation}`));
      // One accident costs the calls whose answers it took away, and no other.
      const allowed = undisturbed.grants + scenario.lostGrants;
      if (scenario.grants > allowed)
        violations.push(`${where}: ${scenario.grants} grants, ${allowed} would have done`);
    }
  }
  return { story: story.name, calls, points: calls * accidents.length, violations };
}

/** One story with one accident, and what came of it. */
class StoryRun {
  readonly violations: string[] = [];
  readonly #story: Story;
  readonly #world = new MemoryWorld(allApps, T0);
  readonly #readers = new Readers(this.#world);
  readonly #versions = new Map<string, number>();
  /** Served by then although dead, and nobody could know; two ticks have to find it out. */
  readonly #deadAtFirst = new Set<string>();
  #process_: CrashProcess | undefined;

  private constructor(story: Story) {
    this.#story = story;
  }

  static async of(story: Story, accident: Accident, at: number): Promise<StoryRun> {
    const scenario = new StoryRun(story);
    await scenario.#play(accident, at);
    return scenario;
  }

  get calls(): readonly string[] {
    return this.#process_?.calls ?? [];
  }

  get lostGrants(): number {
    return this.#process_?.lostGrants ?? 0;
  }

  /** Tokens and tickets that WeChat has granted, each time that it did. */
  get grants(): number {
    return [...grantsOf(this.#world.wechat).values()].reduce((sum, count) => sum + count, 0);
  }

  async #play(accident: Accident, at: number): Promise<void> {
    const { clock } = this.#world;
    const { minute, arrange, repair, apps, request } = this.#story;
    if (minute > 0) await refresh(allApps, {}, schedule, this.#world.ports());
    clock.set(T0 + minute * MINUTE);
    arrange?.(this.#world);
    const begun = clock.now();
    for (const value of (await this.#readers.served()).values()) {
      if (!this.#world.wechat.isTokenValid(value)) this.#deadAtFirst.add(value);
    }

    const asked = request?.(this.#world) ?? { mayWait: true };
    const process_ = new CrashProcess(this.#world.ports(), accident, at);
    this.#process_ = process_;
    await process_.run((ports) => refresh(apps ?? allApps, asked, schedule, ports));
    await this.#look('after the run');
    repair?.(this.#world);

    for (let tick = 1; tick <= HEALING_TICKS + QUIET_TICKS; tick++) {
      const tickAt = Math.max(clock.now(), begun + tick * MINUTE);
      for (const second of [1, 15, 30, 45, 59]) {
        clock.set(Math.max(clock.now(), tickAt - MINUTE + second * 1000));
        await this.#look(`before tick ${tick}`);
      }
      clock.set(tickAt);
      const results = await refresh(allApps, { mayWait: true }, schedule, this.#world.ports());
      if (tick === HEALING_TICKS) this.#deadAtFirst.clear();
      await this.#look(`tick ${tick}`);
      if (tick < HEALING_TICKS) continue;
      this.violations.push(...this.#readers.remains().map((remain) => `tick ${tick}: ${remain}`));
      for (const { app, credential, outcome, error } of results) {
        if (error) this.violations.push(`tick ${tick}: ${app}/${credential} ${outcome}: ${error.code}`);
      }
    }
  }

  /** What must hold at any time. */
  async #look(when: string): Promise<void> {
    const { wechat, records, clock } = this.#world;
    for (const value of (await this.#readers.served()).values()) {
      const alive = wechat.isTokenValid(value) || this.#deadAtFirst.has(value);
      if (!alive) this.violations.push(`${when}: a dead value is served`);
    }
    for (const [id, { version, leaseUntil }] of records) {
      if (version < (this.#versions.get(id) ?? 0)) this.violations.push(`${when}: ${id} went back`);
      this.#versions.set(id, version);
      if (leaseUntil - clock.now() > schedule.timing.leaseMs)
        this.violations.push(`${when}: the lease of ${id} is too long`);
    }
  }
}
