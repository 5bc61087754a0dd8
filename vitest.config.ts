import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "connectors/**/*.test.ts", "schemas/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: ["./test/support/cluster.ts"],
    pool: "forks",
    // One more than the two cores aimed at: many tests wait, for a hub to start or a time limit to pass.
    maxWorkers: 3,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // A machine that is busy is no failure; what comes sooner is seen sooner.
    expect: { poll: { timeout: 10_000 } },
    // What a shell happens to have set must not reach the tests.
    env: {
      LETHE_DATA_DIR: "",
      LETHE_MASTER_KEY: "",
      LETHE_RUNTIME: "",
      LETHE_CONNECTORS: "",
      PORT: "",
      HOST: "",
      LOG_LEVEL: "",
    },
  },
});
