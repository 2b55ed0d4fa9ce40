import { defineConfig } from 'vitest/config';

/** One story on one emulator: each test builds on the one before, so the first failure ends it. */
export default defineConfig({
  test: {
    include: ['test/e2e/**/*.test.ts'],
    testTimeout: 240_000,
    hookTimeout: 300_000,
    bail: 1,
  },
});
