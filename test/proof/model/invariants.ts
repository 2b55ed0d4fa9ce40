import type { CredentialRecord, IssuedValue } from '../../../functions/core/credential.ts';
import type { MemoryWorld } from '../../support/memory-ports.ts';
import { grantsOf } from '../grants.ts';
import { Readers } from '../readers.ts';
import { type Deployment, MINUTE, schedule } from './deployment.ts';

/**
 * So many ticks heal everything, once everything works: a mistake of ops is asked about every ten minutes at most, and a
 * token that a stranger killed is found by the next probe.
 */
export const HEALING_TICKS = 11;
/** Where nobody outside has interfered, a lease of somebody who died is all there is to wait for. */
const QUICK_HEALING_TICKS = 3;
/** "A few seconds around its expiry." */
const SUCCESSOR_WAIT_MS = 5_000;
const SKEW_MS = 90_000;

/** What stood before a run, to compare with what stands after it. */
export type Before = {
  readonly served: ReadonlyMap<string, string>;
  readonly records: ReadonlyMap<string, CredentialRecord>;
  readonly grants: ReadonlyMap<string, number>;
};

/** Says what must hold, always and when nothing is amiss. Throws at the first offence. */
export class Invariants {
  readonly #deployment: Deployment;
  readonly #world: MemoryWorld;
  readonly #readers: Readers;
  /** Ticks since the last thing that needs healing, a minute apart. */
  #calmTicks = 0;
  #tickedInPeaceAt = 0;
  #answersLost = false;
  #strangersInterfered = false;
  /** By a clock that is wrong, or by a run that took long, we expect some ends too early, and ask in vain. */
  #endsExpectedEarly = false;
  /** The most that were needed. */
  healingTicks = 0;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
    this.#world = deployment.world;
    this.#readers = new Readers(deployment.world);
  }

  // --- what it is told ----------------------------------------------------------------------------------------------

  /** @param at when it began; a tick that comes early heals nothing that needs time */
  calmTick(at: number): void {
    if (this.#calmTicks > 0 && at - this.#tickedInPeaceAt < MINUTE) return;
    this.#calmTicks++;
    this.#tickedInPeaceAt = at;
  }

  disturbed(how: { answersLost?: boolean; byStrangers?: boolean; endsExpectedEarly?: boolean } = {}): void {
    this.#calmTicks = 0;
    this.#answersLost ||= how.answersLost ?? false;
    this.#strangersInterfered ||= how.byStrangers ?? false;
    this.#endsExpectedEarly ||= how.endsExpectedEarly ?? false;
  }

  // --- what it says -------------------------------------------------------------------------------------------------

  checkAlways(): void {
    const { history, now } = this.#deployment;
    const [violation] = history.offences;
    if (violation) throw new Error(violation);
    const skewMs = this.#skewMs;
    for (const [id, { current, leaseUntil }] of this.#world.records) {
      if (leaseUntil - now > schedule.timing.leaseMs + skewMs)
        throw new Error(`${id} is leased for too long`);
      if (current) this.#checkPromise(id, current, skewMs);
    }
    this.#checkHealed();
  }

  /** Just before a tick, when everything is as old as it gets: what overlaps is never missing. */
  async checkOverlaps(): Promise<void> {
    if (this.#calmTicks < HEALING_TICKS) return;
    const served = await this.#readers.served();
    for (const id of OVERLAPPING) if (!served.has(id)) throw new Error(`${id} was let run out`);
  }

  async lookBefore(): Promise<Before> {
    const records = new Map(this.#world.records);
    return { served: await this.#readers.served(), records, grants: grantsOf(this.#world.wechat) };
  }

  /** A run never takes away what lives. */
  async checkKept({ served }: Before): Promise<void> {
    const after = await this.#readers.served();
    for (const [id, value] of served) {
      const life = this.#world.wechat.validityOf(value);
      const ends = Math.min(
        life?.validUntil ?? 0,
        this.#world.records.get(id)?.current?.expiresAt ?? Infinity,
      );
      if (!after.has(id) && this.#deployment.now < ends - SKEW_MS) throw new Error(`${id} was thrown away`);
    }
  }

  /** A run in which nothing goes wrong, or several at once: one call for each renewal, and all leases given back. */
  checkUndisturbed(before: Before): void {
    for (const [what, count] of grantsOf(this.#world.wechat)) {
      const more = count - (before.grants.get(what) ?? 0);
      // One for each of the two types of tickets; for an end expected too early at 1, 3, 6, 12, 24 and 48 s past it.
      const types = what.startsWith('/cgi-bin/ticket/getticket') ? 2 : 1;
      // What was adopted after a lost answer may end within the very tick, and be renewed again.
      const needed = types * (this.#endsExpectedEarly ? 6 : this.#answersLost ? 2 : 1);
      if (more > needed) throw new Error(`${more} calls, ${needed} would have done: ${what}`);
    }
    for (const [id, { leaseId, leaseUntil }] of this.#world.records) {
      const ours = leaseId !== before.records.get(id)?.leaseId;
      if (ours && leaseUntil > this.#deployment.now) throw new Error(`${id} was left leased`);
    }
  }

  checkNoGrantSince({ grants }: Before): void {
    if (JSON.stringify([...grants]) !== JSON.stringify([...grantsOf(this.#world.wechat)]))
      throw new Error('a call was made');
  }

  /** To be called after each tick once everything works. */
  measureHealing(tick: number): void {
    if (this.#remains().length > 0) this.healingTicks = tick + 1;
  }

  #checkHealed(): void {
    const quick = !this.#strangersInterfered && !this.#deployment.history.clocksDiffered;
    if (this.#calmTicks < (quick ? QUICK_HEALING_TICKS : HEALING_TICKS)) return;
    const remains = this.#remains();
    if (remains.length > 0) throw new Error(`after ${this.#calmTicks} calm ticks ${remains.join(', ')}`);
    if (this.#calmTicks >= HEALING_TICKS) this.#strangersInterfered = false;
  }

  #remains(): string[] {
    return this.#readers.remains((id) => this.#mayBeDeadMs(id));
  }

  /** We serve a value until `expiresAt`, so that is no later than WeChat said, but for what was lost with an answer. */
  #checkPromise(id: string, { value, expiresAt }: IssuedValue, skewMs: number): void {
    const life = this.#world.wechat.validityOf(value);
    // WeChat has forgotten what ended a day ago.
    if (!life) return;
    const lateMs = expiresAt - life.expiresAt;
    if (lateMs > skewMs + this.#adoptedLateMs(id))
      throw new Error(`${id} is promised for ${lateMs} ms too long`);
  }

  /**
   * What sticks to its end says 7200 at any age. When the answer that brought it was lost, its life is counted from the
   * next one (README, limits).
   */
  #adoptedLateMs(id: string): number {
    const current = this.#world.records.get(id)?.current;
    if (!current || OVERLAPPING.includes(id) || !this.#answersLost) return 0;
    const { issuedAt = current.issuedAt } = this.#world.wechat.validityOf(current.value) ?? {};
    return Math.max(0, current.issuedAt - issuedAt);
  }

  /**
   * Between its end and its successor a sticky one is not there for some seconds, and is not served; when a clock that was
   * ahead has written its end, that is late, even if the clock has been set right meanwhile.
   */
  #mayBeDeadMs(id: string): number {
    const turnMs = this.#endsExpectedEarly ? MINUTE : SUCCESSOR_WAIT_MS;
    return OVERLAPPING.includes(id) ? 0 : this.#skewMs + this.#adoptedLateMs(id) + turnMs;
  }

  get #skewMs(): number {
    return this.#deployment.history.clocksDiffered ? SKEW_MS : 0;
  }
}

/** The credentials whose successor comes before their end, and whose answers tell the time that is left. */
const OVERLAPPING: readonly string[] = ['shop/access-token', 'mini/access-token'];
