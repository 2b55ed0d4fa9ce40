import { type Account, type AccountOptions, openAccount } from './account.ts';
import type { Clock } from './clock.ts';
import type { Terms } from './issued.ts';
import { StateFile } from './state-file.ts';

/** WeChat behind its routes: the accounts, the time, and the terms on which values are handed out. */
export class World {
  readonly clock: Clock;
  readonly callerIp: string;
  readonly accounts = new Map<string, Account>();
  terms: Terms;
  readonly #file: StateFile | undefined;

  /** Accounts of an earlier run go on as they were; `accounts` adds those that are new. */
  constructor(options: {
    clock: Clock;
    callerIp: string;
    terms: Terms;
    accounts: readonly AccountOptions[];
    statePath: string | undefined;
  }) {
    this.clock = options.clock;
    this.callerIp = options.callerIp;
    this.terms = options.terms;
    this.#file = options.statePath === undefined ? undefined : new StateFile(options.statePath);
    for (const account of this.#file?.read() ?? []) this.accounts.set(account.appId, account);
    for (const each of options.accounts) {
      if (!this.accounts.has(each.appId)) this.accounts.set(each.appId, openAccount(each));
    }
    this.save();
  }

  /** @throws Error for an AppID that no account has */
  account(appId: string): Account {
    const account = this.accounts.get(appId);
    if (!account) throw new UnknownAccountError(appId);
    return account;
  }

  /** To be called after every change, before anybody hears of it. */
  save(): void {
    this.#file?.write(this.accounts.values());
  }
}

export class UnknownAccountError extends Error {
  override readonly name = 'UnknownAccountError';

  constructor(appId: string) {
    super(`the simulator has no account '${appId}'`);
  }
}
