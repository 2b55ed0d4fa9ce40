import { defineConfig } from 'vitest/config';

/** The model-based test for as long as it takes to believe it. */
export default defineConfig({
  test: {
    include: ['test/proof/model.test.ts'],
    env: { MODEL_RUNS: '100000' },
  },
});
