import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Files that share a process come after all others and one after the other: a process is handed on only to a file that
 * shares it too. In both, what spans rooms comes first, so that no worker is left alone with it when all else is done: it
 * starts hubs and waits for them. By itself Vitest begins with the largest files where it does not know how long each takes.
 */
class SharingLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}

const rank = ({ moduleId, project }: TestSpecification) =>
  (project.config.isolate ? 0 : 2) + (/\/(test|src\/workflows)\//.test(moduleId) ? 0 : 1);

/** Rooms whose tests leave their process as they found it, so that one can run many files: most of a file's time is imports. */
const TOGETHER = ["src/**/*.test.ts", "connectors/**/*.test.ts", "schemas/**/*.test.ts", "test/*.test.ts"];
/** What does not: it watches the file system that its modules are given when they are loaded; it changes them in loading. */
const APART = ["src/vault/master-key.test.ts", "test/prove/**/*.test.ts"];

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "together",
          include: TOGETHER,
          exclude: APART,
          isolate: false,
          setupFiles: ["./test/support/globals.ts"],
        },
      },
      { extends: true, test: { name: "apart", include: APART } },
    ],
    globalSetup: ["./test/support/cluster.ts"],
    pool: "forks",
    // Two more than the two cores aimed at: many tests wait, for a hub to start or a time limit to pass.
    maxWorkers: 4,
    sequence: { sequencer: SharingLast },
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
