import { defineConfig } from "vitest/config";

/** Tests read the packages' sources, so that a change needs no build; tests that start whole roles use what `npm test` built first. */
export default defineConfig({
  resolve: { conditions: ["sluice:source"] },
  ssr: { resolve: { conditions: ["sluice:source"] } },
  test: {
    include: ["*/test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // Two cores: more files at once only make timings worse.
    maxWorkers: 2,
  },
});
