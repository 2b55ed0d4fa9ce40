import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** `npm test`. */
const fast = {
  test: {
    name: 'fast',
    include: ['test/{unit,integration,infra,proof}/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // No test keeps state in a module, so files share what a worker has loaded: CDK and the SDK take seconds.
    isolate: false,
    // Many tests wait, for a timeout or a process of their own: one worker more than there are
    // cores keeps the cores busy meanwhile.
    maxWorkers: availableParallelism() + 1,
  },
};

/** `npm run test:e2e`. Each file has an emulator of its own, and each test builds on the one before: the first failure ends the run. */
const e2e = {
  test: {
    name: 'e2e',
    include: ['test/e2e/**/*.test.ts'],
    globalSetup: ['test/e2e/python-tools.ts'],
    testTimeout: 240_000,
    hookTimeout: 300_000,
    bail: 1,
    // The files wait for emulators and schedules most of the time.
    maxWorkers: 3,
    // Projects with different `maxWorkers` cannot share a group.
    sequence: { groupOrder: 1 },
  },
};

/** `npm run test:soak`: the model's property in 100,000 scenarios instead of 1,000, with another seed each time. */
const soak = {
  test: {
    name: 'soak',
    include: ['test/proof/model.test.ts'],
    env: { MODEL_RUNS: '100000' },
    sequence: { groupOrder: 2 },
  },
};

/** `npx vitest run test/proof` must not start the soak test. vitest reads this as `--project`, which wins over it. */
const byDefault = { project: ['fast'] };

export default defineConfig({ test: { ...byDefault, projects: [fast, e2e, soak] } });
