import { defineConfig } from 'vitest/config';

/** Journeys share one Weir and its rate limits: one after the other, without second tries. */
export default defineConfig({
  test: { root: import.meta.dirname, include: ['*.test.ts'], fileParallelism: false, testTimeout: 60_000, hookTimeout: 60_000 },
});
