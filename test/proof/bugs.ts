/** A plausible bug, as a change of one file. */
export type Bug = {
  readonly name: string;
  /** Relative to the project. */
  readonly file: string;
  /** Occurs in the file exactly once. */
  readonly find: string;
  readonly replace: string;
};

const core = (file: string) => `functions/core/${file}.ts`;

/** Deliberate bugs, each of which the model must catch: a property that finds none of them proves nothing. */
export const bugs: readonly Bug[] = [
  {
    name: 'the table writes without checking the version or the lease',
    file: 'bench/harness/memory-world.ts',
    find: 'if (!asSeen) return isDeepStrictEqual(stored, next);',
    replace: '',
  },
  {
    name: 'the table writes without checking the lease id',
    file: 'bench/harness/memory-world.ts',
    find: 'stored?.leaseId === seen?.leaseId && ',
    replace: '',
  },
  {
    name: 'a run that loses the race for the lease continues',
    file: core('steps/renew'),
    find: 'if (!(await ports.store.swap(work.stored, held))) return lostTheRace(work);',
    replace: 'await ports.store.swap(work.stored, held);',
  },
  {
    name: 'a forced refresh ignores the lease of another run',
    file: core('renewal'),
    find: '  leaseHeld,\n  accessTokenChecked,\n  forced,',
    replace: '  forced,\n  leaseHeld,\n  accessTokenChecked,',
  },
  {
    name: 'a lease that does not expire',
    file: core('steps/renew'),
    find: 'run.now + run.timing.leaseMs',
    replace: 'run.now + 86_400_000',
  },
  {
    name: 'a lease that is kept after a failure',
    file: core('rules/transitions'),
    find: '    ...released(record),\n    validityUnknown: context.validityUnknown,',
    replace: '    ...record,\n    validityUnknown: context.validityUnknown,',
  },
  {
    name: 'the mirror is written before the commit',
    file: core('steps/renew'),
    find: '  if (await store.swap(held, next)) return writeMirror(',
    replace:
      '  await run.ports.mirror.write(credential, grant.value).catch(() => undefined);\n  if (await store.swap(held, next)) return writeMirror(',
  },
  {
    name: 'a mirror that is recorded as written but is not',
    file: core('steps/renew'),
    find: '    await mirror.write(credential, held.current.value);',
    replace: '',
  },
  {
    name: 'an unchanged ticket is kept for another 7,200 s',
    file: core('rules/transitions'),
    find: '{ expiresAt: Math.min(current.expiresAt, saidEnd) }',
    replace: '{ expiresAt: saidEnd }',
  },
  {
    name: 'a lifetime that is counted from the answer',
    file: core('steps/renew'),
    find: '    issuedAt: now,\n',
    replace: '    issuedAt: clock.now(),\n',
  },
  {
    name: 'a backoff that skips ticks',
    file: core('rules/timing'),
    find: 'Math.min(TRANSIENT_CAP_MS, Math.max(TRANSIENT_BASE_MS, tickMs / 2))',
    replace: '30 * 60_000',
  },
  {
    name: 'the validity counts as known after a lost answer',
    file: core('steps/renew'),
    find: '(mayInvalidate(policy, reason) && error.mayHaveRotated)',
    replace: 'false',
  },
  {
    name: 'the validity counts as known during a call',
    file: core('rules/transitions'),
    find: 'validityUnknown: record.validityUnknown || lease.mayInvalidate,',
    replace: 'validityUnknown: record.validityUnknown,',
  },
  {
    name: 'the validity stays unknown after a renewal',
    file: core('rules/transitions'),
    find: '    validityUnknown: false,\n    suspectedAt: 0,\n    // One',
    replace: '    suspectedAt: 0,\n    // One',
  },
  {
    name: 'a failure deletes the current value',
    file: core('rules/transitions'),
    find: '    validityUnknown: context.validityUnknown,\n',
    replace: '    validityUnknown: context.validityUnknown,\n    ...({ current: undefined } as object),\n',
  },
  {
    name: 'a report is taken for a proof',
    file: core('renewal'),
    find: "if (now >= nextProbeAt) return { action: 'probe', reason: 'reported-rejected' };",
    replace: "return renewAutomatically(input, 'reported-rejected');",
  },
  {
    name: 'a probe that accepts every token',
    file: core('steps/probe'),
    find: 'if (answer.accepted) {',
    replace: 'if (answer) {',
  },
  {
    name: 'a token that is renewed only after it has expired',
    file: core('rules/lifetimes'),
    find: 'const scaledMs = full ? mode.refreshAfterMs : Math.min(mode.refreshAfterMs, (lifetimeMs * 5) / 6);',
    replace: 'const scaledMs = lifetimeMs;',
  },
  {
    name: 'a version that does not increase',
    file: core('rules/transitions'),
    find: '    version: record.version + 1,\n',
    replace: '    version: Math.max(1, record.version),\n',
  },
  {
    name: 'one refusal makes a token invalid',
    file: core('steps/probe'),
    find: 'for (const pauseMs of [0, ...PAUSES_MS]) {',
    replace: 'for (const pauseMs of [0]) {',
  },
  {
    name: 'a count that lags is taken for calls of another client',
    file: core('rules/transitions'),
    find: 'const settled = now - record.requestedAt >= COUNT_SETTLES_MS;',
    replace: 'const settled = true;',
  },
  {
    name: 'a page in the place of an answer rejects a token',
    file: 'functions/wechat/sources.ts',
    find: '    if (rejectsToken(error)) return false;\n    throw error;',
    replace: '    return false;',
  },
  {
    name: 'a code that is a string is no code',
    file: 'functions/wechat/answers.ts',
    find: "const number = typeof value === 'string' && ",
    replace: 'const number = false && ',
  },
  {
    name: 'a token that is longer than 512 characters is thrown away',
    file: 'functions/wechat/answers.ts',
    find: 'Buffer.byteLength(value) <= MAX_VALUE_BYTES',
    replace: 'Buffer.byteLength(value) <= 512',
  },
];
