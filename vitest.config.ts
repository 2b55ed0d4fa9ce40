import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/{unit,integration,infra,proof}/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // No test keeps state in a module, so files share what a worker has loaded: CDK and the SDK take seconds.
    isolate: false,
    // Many tests wait, for a time-out or a process of their own: one worker more than there are
    // cores keeps the cores busy meanwhile.
    maxWorkers: availableParallelism() + 1,
  },
});
