import { type App, credentialId, fingerprintOf } from '../../../functions/core/credential.ts';
import { WechatErrorResponse } from '../../../local/simulator/error-responses.ts';
import { readableForms, unreadableForms } from '../../../local/simulator/mangled-answers.ts';
import type { CountOptions } from '../../../local/simulator/official-account.ts';
import { apps, MINUTE_MS } from '../configuration.ts';
import { Deployment, type FaultMode, type Invocation } from './deployment.ts';
import { HEALING_TICKS, Invariants } from './invariants.ts';

/** How WeChat, or a gateway before it, may fail. */
export const wechatFaults = ['none', 'busy', 'down', 'answer-lost', 'sick-host'] as const;

/** All but those without a lifetime, which count as two hours whatever WeChat has granted. */
export const mangledForms = [...readableForms, ...unreadableForms].filter(
  (form) => !form.startsWith('expires-in'),
);

/** A run that checks a token for eight seconds counts the lifetime of what it fetches from its own start. */
const LONG_CHECKS = { expiryExpectedEarly: true };

/** A deployment, and the events that happen to it. */
export class Scenario {
  readonly #deployment = new Deployment();
  readonly invariants = new Invariants(this.#deployment);
  readonly #wechat = this.#deployment.world.wechat;
  /** Fingerprints of tokens that apps may still use. */
  readonly #older = new Map<string, string>();
  /** AppSecrets that operators have not written yet. */
  readonly #newSecrets = new Map<string, string>();
  #secretsReset = 0;
  #wechatWorks = true;
  #ipBlocked = false;
  #countFrozen = false;
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
      // A tick that waits for an expiry does not delay the next one.
      clock.set(Math.max(clock.now(), this.#tickedAt + MINUTE_MS));
      await this.invariants.checkOverlaps();
      await this.#tick();
      this.invariants.checkAlways();
    }
  }

  passWithoutTicks(ms: number): void {
    this.invariants.recordDisturbance();
    this.#deployment.world.clock.advance(ms);
  }

  async invoke(invocation: Invocation): Promise<void> {
    if (invocation.fault) this.invariants.recordDisturbance({ answersLost: true });
    for (const app of apps) this.#older.set(app.name, this.current(app));
    const before = await this.invariants.snapshot();
    await this.#deployment.invoke(invocation);
    await this.invariants.checkNothingLost(before);
    this.invariants.checkNoNeedlessRotation(before);
    if (!invocation.fault && this.#works()) this.invariants.checkCallsAndLeases(before);
  }

  /** From an app that still uses an older token. It causes no call, because a tick has just brought the token up to date. */
  async reportOlder(app: App): Promise<void> {
    const rejected = this.#older.get(app.name);
    const slow = this.#deployment.latencyMs > 0;
    if (!this.#works() || slow || rejected === undefined || rejected === this.current(app)) return;
    await this.#tick();
    const token = this.#token(app);
    const healthy =
      token && token.leaseUntil <= this.#deployment.now && !token.failure && !token.validityUnknown;
    if (!healthy || rejected === this.current(app)) return;
    const before = await this.invariants.snapshot();
    // What another client has rotated is renewed as soon as it is noticed, and a tick that repairs the mirror does not probe.
    if (!before.untouched.has(token.id)) return;
    const request = { rejected, credential: 'access-token' } as const;
    await this.#deployment.invoke({ runs: [{ refresher: 0, apps: [app], request }], pauses: [0] });
    this.invariants.checkNoGrantSince(before);
  }

  setWechatFault(mode: (typeof wechatFaults)[number] | 'flapping', seed = 1): void {
    this.invariants.recordDisturbance({
      answersLost: mode === 'answer-lost',
      ...(mode === 'flapping' && LONG_CHECKS),
    });
    this.#wechat.clearFaults();
    if (mode === 'busy') this.#wechat.addFault({ kind: 'errcode', errcode: -1, errmsg: 'system error' });
    if (mode === 'down') this.#wechat.addFault({ kind: 'outage' });
    if (mode === 'answer-lost') this.#wechat.addFault({ kind: 'drop-after' });
    if (mode === 'sick-host') this.#wechat.addFault({ kind: 'http-status', status: 412 });
    if (mode === 'flapping') this.#wechat.addFault({ kind: 'flapping', share: 0.25, seed });
    this.#wechatWorks = mode === 'none';
  }

  /** Answers in another form: what can be read changes nothing, and what cannot be is as good as lost. */
  setMangledAnswers(form: (typeof mangledForms)[number]): void {
    const readable = readableForms.some((each) => each === form);
    // What lasts becomes a configuration error, which is retried every ten minutes.
    this.invariants.recordDisturbance({ answersLost: !readable, external: !readable });
    this.#wechat.clearFaults();
    this.#wechat.addFault({ kind: 'mangled', form });
    this.#wechatWorks = readable;
  }

  /** A count that stands still does so for ever (users). */
  setCount(options: CountOptions): void {
    if (this.#countFrozen) return;
    this.#countFrozen = options.frozen ?? false;
    this.invariants.recordDisturbance();
    for (const app of apps) if (app.kind === 'official-account') this.#wechat.setCount(app.appId, options);
  }

  setLatency(ms: number): void {
    this.invariants.recordDisturbance({ expiryExpectedEarly: ms > 0 });
    this.#deployment.latencyMs = ms;
  }

  setTableFault(mode: FaultMode): void {
    this.invariants.recordDisturbance({ answersLost: mode !== 'none' });
    this.#deployment.tableFault = mode;
  }

  setParameterStoreFault(mode: FaultMode): void {
    this.invariants.recordDisturbance();
    this.#deployment.parameterStoreFault = mode;
  }

  rotateElsewhere(times: number): void {
    this.invariants.recordDisturbance({ ...LONG_CHECKS, external: true, foreignCalls: true });
    for (let time = 0; time < times; time++) {
      for (const app of apps) if (app.kind === 'official-account') this.#rotate(app.appId);
    }
  }

  #rotate(appId: string): void {
    try {
      this.#wechat.rotate(appId);
    } catch (error) {
      // The daily quota is shared with other clients, and may be used up.
      if (!(error instanceof WechatErrorResponse)) throw error;
    }
  }

  invalidateWecom(): void {
    this.invariants.recordDisturbance({ ...LONG_CHECKS, external: true });
    for (const app of apps) {
      if (app.kind === 'wecom') this.#wechat.invalidateWecomToken(app.corpId, app.agentId);
    }
  }

  useUpQuota(): void {
    this.invariants.recordDisturbance({ foreignCalls: true });
    for (const app of apps) if (app.kind === 'official-account') this.#wechat.burnDailyQuota(app.appId);
  }

  resetSecret(app: (typeof apps)[number]): void {
    this.invariants.recordDisturbance({ external: true });
    const secret = `secret-${++this.#secretsReset}`;
    if (app.kind === 'wecom') this.#wechat.setWecomSecret(app.corpId, app.agentId, secret);
    else this.#wechat.setSecret(app.appId, secret);
    this.#newSecrets.set(app.name, secret);
  }

  writeSecret({ name }: App): void {
    const value = this.#newSecrets.get(name);
    if (value === undefined) return;
    this.invariants.recordDisturbance();
    this.#newSecrets.delete(name);
    this.#deployment.world.secrets.set(name, { value, revision: value });
  }

  setIpBlocked(blocked: boolean): void {
    this.invariants.recordDisturbance({ external: blocked });
    this.#ipBlocked = blocked;
    const list = blocked ? ['198.51.100.1'] : undefined;
    for (const app of apps) {
      if (app.kind === 'wecom') this.#wechat.setTrustedIps(app.corpId, app.agentId, list);
      else this.#wechat.setAllowedIps(app.appId, list);
    }
  }

  setClocks(skewsMs: readonly number[]): void {
    const differ = skewsMs.some((each) => each !== 0);
    this.invariants.recordDisturbance({ expiryExpectedEarly: differ });
    this.#deployment.clockSkewsMs.splice(0, skewsMs.length, ...skewsMs);
    this.#deployment.history.clocksDiffered ||= differ;
  }

  /** Ends all faults, and lets ticks heal what they have caused. */
  async settle(): Promise<void> {
    this.setWechatFault('none');
    this.setCount({});
    this.setTableFault('none');
    this.setParameterStoreFault('none');
    this.setClocks([0, 0, 0]);
    this.setIpBlocked(false);
    for (const app of apps) this.writeSecret(app);
    for (let tick = 1; tick <= HEALING_TICKS + 3; tick++) {
      await this.passMinutes(1);
      this.invariants.measureHealing(tick);
    }
  }

  async #tick(): Promise<void> {
    this.#tickedAt = this.#deployment.now;
    await this.invoke({ runs: [{ refresher: 0, apps, request: { mayWait: true } }], pauses: [0] });
    if (this.#works() && this.#newSecrets.size === 0) this.invariants.recordCalmTick(this.#tickedAt);
  }

  #works(): boolean {
    const { tableFault, parameterStoreFault, clockSkewsMs } = this.#deployment;
    const clocksAgree = clockSkewsMs.every((each) => each === clockSkewsMs[0]);
    const awsWorks = tableFault === 'none' && parameterStoreFault === 'none';
    return this.#wechatWorks && awsWorks && !this.#ipBlocked && clocksAgree;
  }

  #token({ name }: App) {
    return this.#deployment.world.records.get(credentialId(name, 'access-token'));
  }
}
