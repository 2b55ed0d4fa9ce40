import type { MemoryWorld } from '../../../bench/harness/memory-world.ts';
import { type CredentialRecord, type IssuedValue, isDoubtful } from '../../../functions/core/credential.ts';
import { MINUTE_MS, schedule } from '../configuration.ts';
import { grantsOf, Readers } from '../observe.ts';
import type { Deployment } from './deployment.ts';

/**
 * Ticks that heal everything once all faults have ended: a configuration error is retried every ten minutes at the latest, and
 * a token that another client invalidated is found by the next probe.
 */
export const HEALING_TICKS = 11;
/** The same without external events: then the longest wait is for the lease of a crashed run. */
const QUICK_HEALING_TICKS = 3;
/** A credential that cannot be renewed before it expires is missing for a few seconds at most. */
const SUCCESSOR_WAIT_MS = 5_000;
const SKEW_MS = 90_000;

/** The state before a run, to compare with the state after it. */
export type Snapshot = {
  readonly served: ReadonlyMap<string, string>;
  readonly records: ReadonlyMap<string, CredentialRecord>;
  readonly grants: ReadonlyMap<string, number>;
  /** Credentials whose value is as WeChat issued it: not rotated, not invalidated. */
  readonly untouched: ReadonlySet<string>;
};

/** The kinds of disturbance after which weaker invariants hold. */
type Disturbance = {
  readonly answersLost?: boolean;
  /** By another client, operators or WeChat's own decision. */
  readonly external?: boolean;
  readonly expiryExpectedEarly?: boolean;
  /** Calls of the token interface that were not ours. */
  readonly foreignCalls?: boolean;
};

/** What must hold always, and what must hold once there was time to heal. Each check throws at the first violation. */
export class Invariants {
  readonly #deployment: Deployment;
  readonly #world: MemoryWorld;
  readonly #readers: Readers;
  /** Ticks since the last disturbance, a minute apart. */
  #calmTicks = 0;
  #calmTickAt = 0;
  #answersLost = false;
  #externallyDisturbed = false;
  #externallyDisturbedEver = false;
  /** With a wrong clock, or in a run that took long, some expiries are expected too early, and calls are made in vain. */
  #expiryExpectedEarly = false;
  #foreignCalls = false;
  /** Most ticks that were needed to heal everything. */
  healingTicks = 0;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
    this.#world = deployment.world;
    this.#readers = new Readers(deployment.world);
  }

  // --- events -------------------------------------------------------------------------------------------------------

  /** @param at start of the tick; one less than a minute after the previous one does not count, because healing takes time */
  recordCalmTick(at: number): void {
    if (this.#calmTicks > 0 && at - this.#calmTickAt < MINUTE_MS) return;
    this.#calmTicks++;
    this.#calmTickAt = at;
  }

  recordDisturbance(disturbance: Disturbance = {}): void {
    this.#calmTicks = 0;
    this.#answersLost ||= disturbance.answersLost ?? false;
    this.#externallyDisturbed ||= disturbance.external ?? false;
    this.#externallyDisturbedEver ||= disturbance.external ?? disturbance.foreignCalls ?? false;
    this.#expiryExpectedEarly ||= disturbance.expiryExpectedEarly ?? false;
    this.#foreignCalls ||= disturbance.foreignCalls ?? false;
  }

  // --- checks -------------------------------------------------------------------------------------------------------

  checkAlways(): void {
    const { history, now } = this.#deployment;
    const [violation] = history.violations;
    if (violation) throw new Error(violation);
    const skewMs = this.#skewMs;
    for (const [id, { current, leaseUntil }] of this.#world.records) {
      if (leaseUntil - now > schedule.timing.leaseMs + skewMs)
        throw new Error(`${id} is leased for too long`);
      if (current) this.#checkExpiry(id, current, skewMs);
    }
    this.#checkDoubt();
    this.#checkHealed();
  }

  /** A token that a call of ours has ended early is never served as if nothing had happened. */
  #checkDoubt(): void {
    if (this.#externallyDisturbedEver) return;
    for (const id of OVERLAPPING) {
      const record = this.#world.records.get(id);
      if (!record?.current || isDoubtful(record) || record.rejectedAt > 0) continue;
      const validity = this.#world.wechat.validityOf(record.current.value);
      if (validity && validity.validUntil < validity.expiresAt)
        throw new Error(`${id} is served without a doubt`);
    }
  }

  /** To be called just before a tick, when every value is as old as it gets: an overlapping credential is never missing. */
  async checkOverlaps(): Promise<void> {
    if (this.#calmTicks < HEALING_TICKS) return;
    const served = await this.#readers.served();
    for (const id of OVERLAPPING) if (!served.has(id)) throw new Error(`${id} expired without a successor`);
  }

  async snapshot(): Promise<Snapshot> {
    const records = new Map(this.#world.records);
    const untouched = new Set<string>();
    for (const [id, { current }] of records) {
      const validity = current && this.#world.wechat.validityOf(current.value);
      if (validity && validity.validUntil === validity.expiresAt) untouched.add(id);
    }
    return { served: await this.#readers.served(), records, grants: grantsOf(this.#world.wechat), untouched };
  }

  /** A run never removes a value that is still valid. */
  async checkNothingLost({ served }: Snapshot): Promise<void> {
    const after = await this.#readers.served();
    for (const [id, value] of served) {
      const life = this.#world.wechat.validityOf(value);
      const ends = Math.min(
        life?.validUntil ?? 0,
        this.#world.records.get(id)?.current?.expiresAt ?? Infinity,
      );
      if (!after.has(id) && this.#deployment.now < ends - SKEW_MS) throw new Error(`${id} was lost`);
    }
  }

  /** Whatever apps report, and WeChat refuses or counts: a token that is as WeChat issued it is renewed by its age only. */
  checkNoNeedlessRotation({ records, untouched }: Snapshot): void {
    if (this.#foreignCalls) return;
    for (const [id, before] of records) {
      const after = this.#world.records.get(id);
      const rotated = after !== undefined && after.automaticToday > before.automaticToday;
      const expiresAt = this.#world.wechat.validityOf(before.current?.value ?? '')?.expiresAt ?? 0;
      const wasValid = untouched.has(id) && this.#deployment.now < expiresAt;
      if (rotated && id.endsWith('/access-token') && wasValid)
        throw new Error(`${id} was rotated needlessly`);
    }
  }

  /** Runs without a fault, alone or concurrent: one call for each renewal, and every lease is released. */
  checkCallsAndLeases(before: Snapshot): void {
    for (const [key, count] of grantsOf(this.#world.wechat)) {
      const calls = count - (before.grants.get(key) ?? 0);
      // One for each of the two types of tickets; for an expiry expected too early at 1, 3, 6, 12, 24 and 48 s past it.
      const types = key.startsWith('/cgi-bin/ticket/getticket') ? 2 : 1;
      // What was adopted after a lost answer may expire within the same tick, and be renewed again.
      // And what was refused for a token that another client had rotated is asked for once more.
      const allowed =
        types * (this.#expiryExpectedEarly ? 6 : this.#answersLost ? 2 : 1) +
        (this.#foreignCalls ? types : 0);
      if (calls > allowed) throw new Error(`${calls} calls instead of ${allowed}: ${key}`);
    }
    for (const [id, { leaseId, leaseUntil }] of this.#world.records) {
      const ours = leaseId !== before.records.get(id)?.leaseId;
      if (ours && leaseUntil > this.#deployment.now) throw new Error(`the lease of ${id} was not released`);
    }
  }

  checkNoGrantSince({ grants }: Snapshot): void {
    if (JSON.stringify([...grants]) !== JSON.stringify([...grantsOf(this.#world.wechat)]))
      throw new Error('a call was made');
  }

  /** To be called after each tick once all faults have ended. */
  measureHealing(tick: number): void {
    if (this.#defects().length > 0) this.healingTicks = tick + 1;
  }

  #checkHealed(): void {
    const quick = !this.#externallyDisturbed && !this.#deployment.history.clocksDiffered;
    if (this.#calmTicks < (quick ? QUICK_HEALING_TICKS : HEALING_TICKS)) return;
    const defects = this.#defects();
    if (defects.length > 0) throw new Error(`after ${this.#calmTicks} calm ticks ${defects.join(', ')}`);
    if (this.#calmTicks >= HEALING_TICKS) this.#externallyDisturbed = false;
  }

  #defects(): string[] {
    return this.#readers.defects((id) => this.#allowedInvalidMs(id));
  }

  /** A value is served until `expiresAt`, so that must not be later than WeChat's own expiry, except after a lost answer. */
  #checkExpiry(id: string, { value, expiresAt }: IssuedValue, skewMs: number): void {
    const life = this.#world.wechat.validityOf(value);
    // The simulator forgets a value a day after it expired.
    if (!life) return;
    const lateMs = expiresAt - life.expiresAt;
    if (lateMs > skewMs + this.#adoptedLateMs(id))
      throw new Error(`the expiry of ${id} is ${lateMs} ms too late`);
  }

  /**
   * A sticky value is answered with the full lifetime at any age. When the answer that first brought it was lost, its lifetime
   * is counted from the next answer.
   */
  #adoptedLateMs(id: string): number {
    const current = this.#world.records.get(id)?.current;
    if (!current || OVERLAPPING.includes(id) || !this.#answersLost) return 0;
    const { issuedAt = current.issuedAt } = this.#world.wechat.validityOf(current.value) ?? {};
    return Math.max(0, current.issuedAt - issuedAt);
  }

  /**
   * Between its expiry and its successor a sticky credential is missing for some seconds, and is not served. When a clock that
   * was ahead has written its expiry, that is late, even if the clock has been corrected meanwhile.
   */
  #allowedInvalidMs(id: string): number {
    const successorMs = this.#expiryExpectedEarly ? MINUTE_MS : SUCCESSOR_WAIT_MS;
    return OVERLAPPING.includes(id) ? 0 : this.#skewMs + this.#adoptedLateMs(id) + successorMs;
  }

  get #skewMs(): number {
    return this.#deployment.history.clocksDiffered ? SKEW_MS : 0;
  }
}

/** The credentials whose successor comes before they expire, and whose answers report the remaining lifetime. */
const OVERLAPPING: readonly string[] = ['shop/access-token', 'mini/access-token'];
