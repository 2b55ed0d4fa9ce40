import { type Account, type AccountOptions, openAccount } from './account.ts';
import type { Clock } from './clock.ts';
import { type Agent, type Corp, openCorp, openWecomApp, type WecomAppOptions } from './corp.ts';
import type { Terms } from './issued.ts';
import { StateFile } from './state-file.ts';

/** WeChat behind its routes: accounts and corps, the time, and the terms on which values are handed out. */
export class World {
  readonly clock: Clock;
  readonly callerIp: string;
  readonly accounts = new Map<string, Account>();
  readonly corps = new Map<string, Corp>();
  terms: Terms;
  readonly #file: StateFile | undefined;

  /** What an earlier run left goes on as it was; `accounts` and `wecomApps` add those that are new. */
  constructor(options: {
    clock: Clock;
    callerIp: string;
    terms: Terms;
    accounts: readonly AccountOptions[];
    wecomApps: readonly WecomAppOptions[];
    statePath: string | undefined;
  }) {
    this.clock = options.clock;
    this.callerIp = options.callerIp;
    this.terms = options.terms;
    this.#file = options.statePath === undefined ? undefined : new StateFile(options.statePath);
    const left = this.#file?.read();
    for (const account of left?.accounts ?? []) this.accounts.set(account.appId, account);
    for (const corp of left?.corps ?? []) this.corps.set(corp.corpId, corp);
    for (const each of options.accounts) {
      if (!this.accounts.has(each.appId)) this.addAccount(each);
    }
    for (const each of options.wecomApps) {
      if (!this.#agent(each.corpId, each.agentId)) this.addWecomApp(each);
    }
    this.save();
  }

  /** @throws UnknownAccountError for an AppID that no account has */
  account(appId: string): Account {
    const account = this.accounts.get(appId);
    if (!account) throw new UnknownAccountError(`account '${appId}'`);
    return account;
  }

  /** @throws UnknownAccountError for a CorpID and agent that no WeCom app has */
  agent(corpId: string, agentId: number): Agent {
    const agent = this.#agent(corpId, agentId);
    if (!agent) throw new UnknownAccountError(`WeCom app ${agentId} in corp '${corpId}'`);
    return agent;
  }

  /** @throws TypeError when an IP list holds something else than IPs and CIDRs */
  addAccount(options: AccountOptions): void {
    this.accounts.set(options.appId, openAccount(options));
  }

  /** @throws TypeError when an IP list holds something else than IPs and CIDRs */
  addWecomApp(options: WecomAppOptions): void {
    const app = openWecomApp(options);
    const corp = this.corps.get(options.corpId) ?? openCorp(options.corpId);
    corp.apps = [...corp.apps.filter(({ agentId }) => agentId !== app.agentId), app];
    this.corps.set(corp.corpId, corp);
  }

  /** Does `work` and keeps what it changed, before anybody hears of it. */
  change<T>(work: () => T): T {
    const result = work();
    this.save();
    return result;
  }

  /** To be called after every change, before anybody hears of it. */
  save(): void {
    this.#file?.write({ accounts: [...this.accounts.values()], corps: [...this.corps.values()] });
  }

  #agent(corpId: string, agentId: number): Agent | undefined {
    const corp = this.corps.get(corpId);
    const app = corp?.apps.find((each) => each.agentId === agentId);
    return corp && app && { corp, app };
  }
}

export class UnknownAccountError extends Error {
  override readonly name = 'UnknownAccountError';

  /** @param what the kind of account, and the ids that nobody has */
  constructor(what: string) {
    super(`the simulator has no ${what}`);
  }
}
