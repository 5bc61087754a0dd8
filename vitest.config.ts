import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * What spans rooms starts hubs and waits for them. It comes first, so that no worker is left alone with it when all else is
 * done: by itself Vitest begins with the largest files where it does not know yet how long each takes, as in a new checkout.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

const isLong = ({ moduleId }: TestSpecification) => /\/(test|src\/workflows)\//.test(moduleId);

/** Rooms whose tests change nothing of the process, so that one can run many files: most of their time is imports. */
const TOGETHER = ["src/audit", "src/kit", "src/rights", "src/consent", "schemas"].map(
  (room) => `${room}/**/*.test.ts`,
);

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: "together", include: TOGETHER, isolate: false } },
      {
        extends: true,
        test: {
          name: "apart",
          include: [
            "src/**/*.test.ts",
            "connectors/**/*.test.ts",
            "schemas/**/*.test.ts",
            "test/**/*.test.ts",
          ],
          exclude: TOGETHER,
        },
      },
    ],
    globalSetup: ["./test/support/cluster.ts"],
    pool: "forks",
    // Two more than the two cores aimed at: many tests wait, for a hub to start or a time limit to pass.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
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
      OTEL_EXPORTER_OTLP_ENDPOINT: "",
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "",
      OTEL_RESOURCE_ATTRIBUTES: "",
      OTEL_SERVICE_NAME: "",
      OTEL_TRACES_SAMPLER: "",
    },
  },
});
