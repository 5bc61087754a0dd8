import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { closeParts, type Part } from "./closing.ts";

/** Parts in the order in which they are opened, which note their closing. */
function parts(closed: string[], outcomes: Record<string, () => Promise<void> | void>, by = 1_000): Part[] {
  return Object.entries(outcomes).map(([name, close]) => ({
    name,
    by,
    close: () => {
      closed.push(name);
      return close();
    },
  }));
}

test("closes what was opened last first, and each part whatever became of those before it", async () => {
  const closed: string[] = [];
  const open = parts(closed, {
    lock: () => {},
    database: () => Promise.reject(new Error("second")),
    log: () => {
      throw new Error("first");
    },
    door: async () => {},
  });
  await expect(closeParts(open)).rejects.toThrow("first");
  expect(closed).toEqual(["door", "log", "database", "lock"]);
});

test("does not wait for a part beyond its time, names it, and gives the next one what is left", async () => {
  const closed: string[] = [];
  const stuck = Promise.withResolvers<void>();
  const [lock, runs] = parts(closed, { lock: () => sleep(50).then(() => {}), runs: () => stuck.promise });
  if (lock === undefined || runs === undefined) throw new Error("two parts");
  const began = performance.now();
  const closing = closeParts([
    { ...lock, by: 2_000 },
    { ...runs, by: 200 },
  ]);
  await expect(closing).rejects.toMatchObject({
    code: "hub/slow-stop",
    message: expect.stringContaining("runs"),
  });
  expect(closed).toEqual(["runs", "lock"]);
  expect(performance.now() - began).toBeLessThan(1_500);
});
