import { defineConfig } from 'vitest/config';

/** Each file is one story on an emulator of its own: each test builds on the one before, so the first failure ends it. */
export default defineConfig({
  test: {
    include: ['test/e2e/**/*.test.ts'],
    globalSetup: ['test/e2e/python-tools.ts'],
    testTimeout: 240_000,
    hookTimeout: 300_000,
    bail: 1,
    // The stories wait for emulators and schedules most of the time, each beside the others.
    maxWorkers: 3,
  },
});
