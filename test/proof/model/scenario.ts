import { type App, credentialId, fingerprintOf } from '../../../functions/core/credential.ts';
import { WechatErrorResponse } from '../../../local/simulator/error-responses.ts';
import { apps } from '../stories.ts';
import { Deployment, type FaultMode, type Invocation, MINUTE } from './deployment.ts';
import { HEALING_TICKS, Invariants } from './invariants.ts';

/** One story: a deployment, and the events that it meets. */
export class Scenario {
  readonly #deployment = new Deployment();
  readonly invariants = new Invariants(this.#deployment);
  readonly #wechat = this.#deployment.world.wechat;
  /** Fingerprints of tokens that apps may still have. */
  readonly #older = new Map<string, string>();
  /** AppSecrets that ops have not written yet. */
  readonly #newSecrets = new Map<string, string>();
  #secretsMade = 0;
  #wechatIsFair = true;
  #ipRefused = false;
  #tickedAt = this.#deployment.now;

  constructor(lifetimeSeconds: number) {
    this.#wechat.setLifetime(lifetimeSeconds);
  }

  get upstreamCalls(): number {
    return this.#wechat.calls().length;
  }

  /** Fingerprint of the token that apps have now. */
  current(app: App): string {
    return this.#token(app)?.current?.fingerprint ?? fingerprintOf('');
  }

  async passMinutes(minutes: number): Promise<void> {
    const { clock } = this.#deployment.world;
    for (let minute = 0; minute < minutes; minute++) {
      // A tick that stayed for an end does not put off the next one.
      clock.set(Math.max(clock.now(), this.#tickedAt + MINUTE));
      await this.invariants.checkOverlaps();
      await this.#tick();
      this.invariants.checkAlways();
    }
  }

  passWithoutTicks(ms: number): void {
    this.invariants.disturbed();
    this.#deployment.world.clock.advance(ms);
  }

  async invoke(invocation: Invocation): Promise<void> {
    if (invocation.accident) this.invariants.disturbed({ answersLost: true });
    for (const app of apps) this.#older.set(app.name, this.current(app));
    const before = await this.invariants.lookBefore();
    await this.#deployment.invoke(invocation);
    await this.invariants.checkKept(before);
    if (!invocation.accident && this.#works()) this.invariants.checkUndisturbed(before);
  }

  /** From an app that is behind: no call, for a tick has just brought the token up to date. */
  async reportOlder(app: App): Promise<void> {
    const rejected = this.#older.get(app.name);
    const slow = this.#deployment.latencyMs > 0;
    if (!this.#works() || slow || rejected === undefined || rejected === this.current(app)) return;
    await this.#tick();
    const token = this.#token(app);
    const healthy =
      token && token.leaseUntil <= this.#deployment.now && !token.failure && !token.validityUnknown;
    if (!healthy || rejected === this.current(app)) return;
    const before = await this.invariants.lookBefore();
    const request = { rejected, credential: 'access-token' } as const;
    await this.#deployment.invoke({ runs: [{ refresher: 0, apps: [app], request }], pauses: [0] });
    this.invariants.checkNoGrantSince(before);
  }

  setWechat(how: 'fair' | 'busy' | 'down' | 'deaf'): void {
    this.invariants.disturbed({ answersLost: how === 'deaf' });
    this.#wechat.clearFaults();
    if (how === 'busy') this.#wechat.addFault({ kind: 'errcode', errcode: -1, errmsg: 'system error' });
    if (how === 'down') this.#wechat.addFault({ kind: 'outage' });
    if (how === 'deaf') this.#wechat.addFault({ kind: 'drop-after' });
    this.#wechatIsFair = how === 'fair';
  }

  setLatency(ms: number): void {
    this.invariants.disturbed({ endsExpectedEarly: ms > 0 });
    this.#deployment.latencyMs = ms;
  }

  setTable(faultMode: FaultMode): void {
    this.invariants.disturbed({ answersLost: faultMode !== 'fair' });
    this.#deployment.table = faultMode;
  }

  setParameterStore(faultMode: FaultMode): void {
    this.invariants.disturbed();
    this.#deployment.parameterStore = faultMode;
  }

  rotateElsewhere(times: number): void {
    this.invariants.disturbed({ byStrangers: true });
    for (let time = 0; time < times; time++) {
      for (const app of apps) if (app.kind === 'official-account') this.#rotate(app.appId);
    }
  }

  #rotate(appId: string): void {
    try {
      this.#wechat.rotate(appId);
    } catch (error) {
      // The day's calls may be spent, for everybody.
      if (!(error instanceof WechatErrorResponse)) throw error;
    }
  }

  invalidateWecom(): void {
    this.invariants.disturbed({ byStrangers: true });
    for (const app of apps) {
      if (app.kind === 'wecom') this.#wechat.invalidateWecomToken(app.corpId, app.agentId);
    }
  }

  burnQuota(): void {
    for (const app of apps) if (app.kind === 'official-account') this.#wechat.burnDailyQuota(app.appId);
  }

  resetSecret(app: App): void {
    this.invariants.disturbed({ byStrangers: true });
    const secret = `secret-${++this.#secretsMade}`;
    if (app.kind === 'wecom') this.#wechat.setWecomSecret(app.corpId, app.agentId, secret);
    else this.#wechat.setSecret(app.appId, secret);
    this.#newSecrets.set(app.name, secret);
  }

  writeSecret({ name }: App): void {
    const value = this.#newSecrets.get(name);
    if (value === undefined) return;
    this.invariants.disturbed();
    this.#newSecrets.delete(name);
    this.#deployment.world.secrets.set(name, { value, revision: value });
  }

  refuseIp(refused: boolean): void {
    this.invariants.disturbed({ byStrangers: refused });
    this.#ipRefused = refused;
    const list = refused ? ['198.51.100.1'] : undefined;
    for (const app of apps) {
      if (app.kind === 'wecom') this.#wechat.setTrustedIps(app.corpId, app.agentId, list);
      else this.#wechat.setAllowedIps(app.appId, list);
    }
  }

  setClocks(skewsMs: readonly number[]): void {
    const differ = skewsMs.some((each) => each !== 0);
    this.invariants.disturbed({ endsExpectedEarly: differ });
    this.#deployment.clockSkewsMs.splice(0, skewsMs.length, ...skewsMs);
    this.#deployment.history.clocksDiffered ||= differ;
  }

  /** Everything works again, and a tick comes each minute: it must become as if nothing had happened. */
  async settle(): Promise<void> {
    this.setWechat('fair');
    this.setTable('fair');
    this.setParameterStore('fair');
    this.setClocks([0, 0, 0]);
    this.refuseIp(false);
    for (const app of apps) this.writeSecret(app);
    for (let tick = 1; tick <= HEALING_TICKS + 3; tick++) {
      await this.passMinutes(1);
      this.invariants.measureHealing(tick);
    }
  }

  async #tick(): Promise<void> {
    this.#tickedAt = this.#deployment.now;
    await this.invoke({ runs: [{ refresher: 0, apps, request: { mayWait: true } }], pauses: [0] });
    if (this.#works() && this.#newSecrets.size === 0) this.invariants.calmTick(this.#tickedAt);
  }

  #works(): boolean {
    const { table, parameterStore, clockSkewsMs } = this.#deployment;
    const oneTime = clockSkewsMs.every((each) => each === clockSkewsMs[0]);
    const weatherIsFair = this.#wechatIsFair && table === 'fair' && parameterStore === 'fair';
    return weatherIsFair && !this.#ipRefused && oneTime;
  }

  #token({ name }: App) {
    return this.#deployment.world.records.get(credentialId(name, 'access-token'));
  }
}
