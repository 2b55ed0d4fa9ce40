import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import type { Clock } from './clock.ts';
import type { IssuePolicy } from './issued-values.ts';
import { type Account, type AccountOptions, accountSchema, createAccount } from './official-account.ts';
import {
  type Agent,
  type Corp,
  corpSchema,
  createCorp,
  createWecomApp,
  type WecomAppId,
  type WecomAppOptions,
  wecomAppIdOf,
} from './wecom.ts';

/** What WeChat and WeCom know: the accounts, the corps, the time, and the policy for new tokens and tickets. */
export class SimulatorState {
  readonly clock: Clock;
  /** The address that WeChat sees. */
  callerIp: string;
  readonly accounts = new Map<string, Account>();
  readonly corps = new Map<string, Corp>();
  policy: IssuePolicy;
  readonly #file: StateFile | undefined;

  /** Continues with what an earlier run left in the file; `accounts` and `wecomApps` add those that are new. */
  constructor(options: {
    clock: Clock;
    callerIp: string;
    policy: IssuePolicy;
    accounts: readonly AccountOptions[];
    wecomApps: readonly WecomAppOptions[];
    statePath: string | undefined;
  }) {
    this.clock = options.clock;
    this.callerIp = options.callerIp;
    this.policy = options.policy;
    this.#file = options.statePath === undefined ? undefined : new StateFile(options.statePath);
    const saved = this.#file?.read();
    for (const account of saved?.accounts ?? []) this.accounts.set(account.appId, account);
    for (const corp of saved?.corps ?? []) this.corps.set(corp.corpId, corp);
    for (const each of options.accounts) {
      if (!this.accounts.has(each.appId)) this.addAccount(each);
    }
    for (const each of options.wecomApps) {
      if (!this.#findAgent(each.corpId, wecomAppIdOf(each))) this.addWecomApp(each);
    }
    this.save();
  }

  /** @throws UnknownAccountError for an AppID that no account has */
  account(appId: string): Account {
    const account = this.accounts.get(appId);
    if (!account) throw new UnknownAccountError(`account '${appId}'`);
    return account;
  }

  /** @throws UnknownAccountError for a CorpID and an id that no WeCom app has */
  agent(corpId: string, id: WecomAppId): Agent {
    const agent = this.#findAgent(corpId, id);
    if (!agent) throw new UnknownAccountError(`WeCom app ${id} in corp '${corpId}'`);
    return agent;
  }

  /** Replaces an account with the same AppID. @throws TypeError when an IP list holds something else than IPs and CIDRs */
  addAccount(options: AccountOptions): void {
    this.accounts.set(options.appId, createAccount(options));
  }

  /** Replaces an app with the same ids. @throws TypeError when an IP list holds something else than IPs and CIDRs */
  addWecomApp(options: WecomAppOptions): void {
    const app = createWecomApp(options);
    const corp = this.corps.get(options.corpId) ?? createCorp(options.corpId);
    corp.apps = [...corp.apps.filter(({ id }) => id !== app.id), app];
    this.corps.set(corp.corpId, corp);
  }

  /** Does `work` and saves what it changed before the caller learns of it. */
  change<T>(work: () => T): T {
    const result = work();
    this.save();
    return result;
  }

  /** To be called after every change, before it is answered: a token that was answered is never forgotten. */
  save(): void {
    this.#file?.write({ accounts: [...this.accounts.values()], corps: [...this.corps.values()] });
  }

  #findAgent(corpId: string, id: WecomAppId): Agent | undefined {
    const corp = this.corps.get(corpId);
    const app = corp?.apps.find((each) => each.id === id);
    return corp && app && { corp, app };
  }
}

export class UnknownAccountError extends Error {
  override readonly name = 'UnknownAccountError';

  /** @param what the kind of account, and the ids that were not found */
  constructor(what: string) {
    super(`the simulator has no ${what}`);
  }
}

const savedStateSchema = z.strictObject({
  accounts: z.array(accountSchema),
  /** Absent in a file from before WeCom was simulated. */
  corps: z.array(corpSchema).default([]),
});
type SavedState = z.infer<typeof savedStateSchema>;

/** Keeps accounts and corps over a restart: local mode promises that restarting keeps the token. */
export class StateFile {
  readonly #path: string;
  #written = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** What the last run left; empty on the first. @throws Error when the file is not a simulator's */
  read(): SavedState {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { accounts: [], corps: [] };
      throw error;
    }
    try {
      return savedStateSchema.parse(JSON.parse(text));
    } catch (cause) {
      throw new Error(`${this.#path} is not a simulator's state file. Delete it to start afresh.`, { cause });
    }
  }

  /** Replaces the file in one step, readable by its owner only: it holds secrets and tokens. */
  write(state: SavedState): void {
    const text = JSON.stringify(state);
    if (text === this.#written) return;
    mkdirSync(dirname(this.#path), { recursive: true });
    const draft = `${this.#path}.tmp`;
    writeFileSync(draft, text, { mode: 0o600 });
    // `mode` counts only for a new file; a draft left behind by a crash keeps its own.
    chmodSync(draft, 0o600);
    renameSync(draft, this.#path);
    this.#written = text;
  }
}
