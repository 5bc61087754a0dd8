import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { childEnvironment } from "#test";
import { comparison, type Figure, type Results } from "./figures.ts";
import { PARTS } from "./parts.ts";

const bench = async (...args: string[]) =>
  (
    await promisify(execFile)(process.execPath, ["test/bench/bench.ts", ...args], {
      env: childEnvironment({}),
    })
  ).stdout;

test("every part of the benchmark measures something", { timeout: 180_000 }, async () => {
  const { figures } = JSON.parse(await bench("--quick", "--json")) as Results;
  for (const { name } of PARTS)
    expect(figures.filter(({ part }) => part === name).length, name).toBeGreaterThan(0);
  for (const { name, value } of figures) expect(value, name).toBeGreaterThanOrEqual(0);
});

test("figures are compared by which way is better", () => {
  const at = (rate: number, latency: number): Results => ({
    ...{ at: "", cpus: 2, cpu: "", node: "", options: {} },
    figures: [
      { part: "acks", name: "acks", value: rate, unit: "/s", better: "more" },
      { part: "acks", name: "p99", value: latency, unit: "ms", better: "less" },
    ] satisfies Figure[],
  });
  const lines = comparison(at(1_000, 40), at(2_000, 80)).split("\n");
  expect(lines.find((line) => line.includes("acks"))).toMatch(/1,000\/s.*2,000\/s.*2 ×.*better/);
  expect(lines.find((line) => line.includes("p99"))).toMatch(/40 ms.*80 ms.*0\.5 ×.*WORSE/);
});
