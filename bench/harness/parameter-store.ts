/** SSM Parameter Store in memory, one model for the server of the tests and for benches on a simulated clock. */

export type ParameterAction = 'PutParameter' | 'GetParameter' | 'GetParameters' | 'DeleteParameter';

/** So many requests at once, and so many a second from then on. */
export type Rate = { readonly perSecond: number; readonly burst: number };
export type ParameterQuotas = {
  readonly writes: Rate;
  /** GetParameter and GetParameters together. */
  readonly reads: Rate;
};

/**
 * What an account has unless it pays for more. AWS publishes the 40 a second of the reads
 * (https://docs.aws.amazon.com/general/latest/gr/ssm.html), but not the 3 of PutParameter, which its support told users, as
 * they told others (https://github.com/github-aws-runners/terraform-aws-github-runner/issues/2944). Of 44 writes at once 20
 * succeeded (https://github.com/sudolabs-io/aws-ssm-cli/issues/503), hence the burst; that of the reads is assumed.
 */
export const standardQuotas: ParameterQuotas = {
  writes: { perSecond: 3, burst: 20 },
  reads: { perSecond: 40, burst: 40 },
};

/** An error as SSM answers it; `type` is its name on the wire. */
export class ParameterStoreError extends Error {
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

/** The fields of the requests that the actions above have, as they are on the wire. */
export type ParameterInput = {
  readonly Name?: string;
  readonly Names?: readonly string[];
  readonly Value?: string;
  readonly Type?: string;
  readonly Overwrite?: boolean;
  readonly WithDecryption?: boolean;
};

/** One request, and the type of the error that it got. */
export type ParameterCall = {
  readonly action: string;
  readonly names: readonly string[];
  readonly error: string | undefined;
};

/** A written value, in the order of the writes. */
export type ParameterWrite = { readonly name: string; readonly value: string; readonly type: string };

type Stored = {
  readonly value: string;
  readonly type: string;
  readonly version: number;
  readonly modifiedAtMs: number;
  /** The versions that carry a label. */
  readonly labelled: ReadonlySet<number>;
};

const MAX_NAMES = 10;
/** Of the standard tier. */
const MAX_VALUE_LENGTH = 4_096;
const VERSIONS_KEPT = 100;

export class ParameterStore {
  /** Every request, the failed ones too. */
  readonly calls: ParameterCall[] = [];
  /** Every successful PutParameter. */
  readonly writes: ParameterWrite[] = [];
  /** While true every call fails with a 500. */
  down = false;
  readonly #parameters = new Map<string, Stored>();
  readonly #refusals = new Map<string, string>();
  readonly #now: () => number;
  readonly #buckets: ReadonlyMap<string, TokenBucket>;

  /**
   * @param now epoch ms
   * @param quotas without them no call is throttled
   */
  constructor(now: () => number, quotas?: ParameterQuotas) {
    this.#now = now;
    const reads = quotas && new TokenBucket(quotas.reads, now);
    this.#buckets = new Map(
      quotas &&
        reads && [
          ['PutParameter', new TokenBucket(quotas.writes, now)],
          ['GetParameter', reads],
          ['GetParameters', reads],
        ],
    );
  }

  /**
   * One request, as it comes over the wire, and the body of its answer.
   *
   * @throws ParameterStoreError
   */
  handle(action: string, input: ParameterInput): unknown {
    const names = input.Names ?? [input.Name ?? ''];
    try {
      const answer = this.#answer(action, names, input);
      this.calls.push({ action, names, error: undefined });
      return answer;
    } catch (error) {
      if (error instanceof ParameterStoreError) this.calls.push({ action, names, error: error.type });
      throw error;
    }
  }

  /** The number of requests of this action; only those that got this error, if it is named. */
  count(action: ParameterAction, error?: string): number {
    return this.calls.filter((call) => call.action === action && (!error || call.error === error)).length;
  }

  get(name: string): string | undefined {
    return this.#parameters.get(name)?.value;
  }

  /** Written by hand: a new version, which passes the quota, and is not among the `writes`. */
  put(name: string, value: string, type = 'SecureString'): void {
    this.#write(name, value, type);
  }

  /** Deleted by hand; the next write is version 1 again. */
  remove(name: string): void {
    this.#parameters.delete(name);
  }

  /** Labels the parameter's present version, which takes the label off any other. */
  label(name: string): void {
    const stored = this.#parameters.get(name);
    if (!stored) throw new Error(`there is no parameter ${name} to label`);
    this.#parameters.set(name, { ...stored, labelled: new Set([stored.version]) });
  }

  /** From now on the action answers with an error of this type: for this parameter, or for every one. */
  refuse(action: ParameterAction, error: string, name = '*'): void {
    this.#refusals.set(`${action} ${name}`, error);
  }

  /** Takes every refusal back. */
  refuseNothing(): void {
    this.#refusals.clear();
  }

  #answer(action: string, names: readonly string[], input: ParameterInput): unknown {
    if (this.down) throw new ParameterStoreError('InternalServerError', 'down', 500);
    if (this.#buckets.get(action)?.take() === false) {
      throw new ParameterStoreError('ThrottlingException', 'Rate exceeded');
    }
    for (const name of ['*', ...names]) {
      const type = this.#refusals.get(`${action} ${name}`);
      if (type) throw new ParameterStoreError(type, `${type} on ${name}`);
    }
    switch (action) {
      case 'PutParameter':
        return this.#putParameter(input);
      case 'GetParameter':
        return { Parameter: this.#shown(this.#existing(input), input) };
      case 'GetParameters':
        return this.#getParameters(names, input);
      case 'DeleteParameter':
        this.#existing(input);
        this.#parameters.delete(input.Name ?? '');
        return {};
      default:
        throw new ParameterStoreError('UnknownOperationException', action);
    }
  }

  #putParameter({ Name = '', Value = '', Type = 'String', Overwrite }: ParameterInput): unknown {
    const stored = this.#parameters.get(Name);
    if (Value.length === 0 || Value.length > MAX_VALUE_LENGTH) {
      throw new ParameterStoreError(
        'ValidationException',
        `a value has 1 to ${MAX_VALUE_LENGTH} characters, not ${Value.length}`,
      );
    }
    if (stored && Overwrite !== true) {
      throw new ParameterStoreError('ParameterAlreadyExists', 'The parameter already exists.');
    }
    if (stored && stored.type !== Type) {
      throw new ParameterStoreError('HierarchyTypeMismatchException', `${stored.type} cannot become ${Type}`);
    }
    const oldest = (stored?.version ?? 0) + 1 - VERSIONS_KEPT;
    if (stored?.labelled.has(oldest)) {
      const message = `Version ${oldest}, the oldest version, can't be deleted because it has a label`;
      throw new ParameterStoreError('ParameterMaxVersionLimitExceeded', message);
    }
    this.writes.push({ name: Name, value: Value, type: Type });
    return { Version: this.#write(Name, Value, Type), Tier: 'Standard' };
  }

  #getParameters(names: readonly string[], input: ParameterInput): unknown {
    if (names.length > MAX_NAMES || new Set(names).size < names.length) {
      throw new ParameterStoreError('ValidationException', `up to ${MAX_NAMES} names, each of them once`);
    }
    const found = names.flatMap((name) => {
      const stored = this.#parameters.get(name);
      return stored ? [this.#shown({ name, stored }, input)] : [];
    });
    return {
      Parameters: found,
      InvalidParameters: names.filter((name) => !this.#parameters.has(name)),
    };
  }

  #existing({ Name = '' }: ParameterInput): { name: string; stored: Stored } {
    const stored = this.#parameters.get(Name);
    if (!stored) throw new ParameterStoreError('ParameterNotFound', Name);
    return { name: Name, stored };
  }

  #shown({ name, stored }: { name: string; stored: Stored }, { WithDecryption }: ParameterInput) {
    const sealed = stored.type === 'SecureString' && WithDecryption !== true;
    return {
      Name: name,
      Type: stored.type,
      Value: sealed ? 'ciphertext' : stored.value,
      Version: stored.version,
      LastModifiedDate: stored.modifiedAtMs / 1000,
    };
  }

  #write(name: string, value: string, type: string): number {
    const stored = this.#parameters.get(name);
    const version = (stored?.version ?? 0) + 1;
    const labelled = stored?.labelled ?? new Set();
    this.#parameters.set(name, { value, type, version, labelled, modifiedAtMs: this.#now() });
    return version;
  }
}

/** What AWS counts requests with: full at the start; a request that finds it empty takes nothing. */
class TokenBucket {
  readonly #rate: Rate;
  readonly #now: () => number;
  #tokens: number;
  #filledAtMs: number;

  constructor(rate: Rate, now: () => number) {
    this.#rate = rate;
    this.#now = now;
    this.#tokens = rate.burst;
    this.#filledAtMs = now();
  }

  take(): boolean {
    const now = this.#now();
    const { perSecond, burst } = this.#rate;
    // A test may set its clock back.
    const passedMs = Math.max(0, now - this.#filledAtMs);
    this.#tokens = Math.min(burst, this.#tokens + (passedMs / 1000) * perSecond);
    this.#filledAtMs = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
